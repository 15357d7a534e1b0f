import { layOutCliPackage } from './cli-package.ts';
import { repositoryRoot } from './paths.ts';
import { runForeground } from './run-command.ts';
import { runDirectory } from './run-directory.ts';

/** `npm run package`: the `sluice` command as a tarball, here in the clone, for `npm install -g`. */
const directory = runDirectory('package');
await layOutCliPackage(directory);
process.exitCode = await runForeground('npm', ['pack', '--pack-destination', repositoryRoot, directory]);
