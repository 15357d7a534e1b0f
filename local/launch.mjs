// The door behind every npm script. It runs on the Node that the machine happens to have, before anything is installed:
// plain JavaScript, Node's own modules only, and syntax that an old Node can parse far enough to print the message below.

const OLDEST_MAJOR = 20;
const OLDEST_MINOR = 19;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < OLDEST_MAJOR || (major === OLDEST_MAJOR && minor < OLDEST_MINOR)) {
  console.error(
    `This machine's Node is ${process.version}; Sluice needs ${OLDEST_MAJOR}.${OLDEST_MINOR} or newer to start with ` +
      `(it then installs the Node 24 that it runs on by itself).\nInstall a current Node from https://nodejs.org, and run the command again.`,
  );
  process.exit(1);
}

const { launch } = await import('./launch/launch.mjs');
process.exitCode = await launch(process.argv.slice(2));
