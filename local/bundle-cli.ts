import path from 'node:path';
import { build } from 'esbuild';
import { repositoryRoot } from './paths.ts';

/** The `sluice` command in one file that needs nothing installed beside it: what `npm pack` puts into the package. */
await build({
  absWorkingDir: repositoryRoot,
  entryPoints: ['cli/sluice.ts'],
  outfile: path.join('dist', 'sluice.mjs'),
  bundle: true,
  platform: 'node',
  target: 'node22.18',
  format: 'esm',
  // Packages of CommonJS form ask for Node's own modules by `require`, which an ES module has not.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
  legalComments: 'linked',
  logLevel: 'warning',
});
