import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import * as z from 'zod';
import { repositoryRoot } from './paths.ts';

const manifestSchema = z.object({
  name: z.string(),
  version: z.string(),
  description: z.string(),
  license: z.string(),
});

/** Files of the package that are as they are in the clone. */
const COPIED = ['cli/sluice.mjs', 'README.md', 'LICENSE'];

/**
 * Lays out the `sluice` command as a package that needs nothing installed beside it. A package of its own, because the
 * repository's has the dependencies of the functions too, and because Node strips no types under node_modules: so all
 * of it is in one file of JavaScript, behind the same door as in a clone.
 */
export async function layOutCliPackage(directory: string): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(path.join(directory, 'cli'), { recursive: true });
  for (const file of COPIED) copyFileSync(path.join(repositoryRoot, file), path.join(directory, file));
  const manifest = manifestSchema.parse(
    JSON.parse(readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8')),
  );
  writeFileSync(
    path.join(directory, 'package.json'),
    `${JSON.stringify({ ...manifest, type: 'module', engines: { node: '>=22.18' }, bin: { sluice: 'cli/sluice.mjs' } }, null, 2)}\n`,
  );
  await build({
    absWorkingDir: repositoryRoot,
    entryPoints: ['cli/sluice.ts'],
    outfile: path.join(directory, 'dist', 'sluice.mjs'),
    bundle: true,
    minify: true,
    keepNames: true,
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
}
