#!/usr/bin/env node
// The door of the `sluice` command. Plain JavaScript, because a Node that can't run TypeScript can still run this and
// say so; without it the user would read "Unknown file extension".

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
// In a clone the sources run as they are. Installed as a package they can't: Node strips no types under node_modules.
const program = import.meta.url.includes('/node_modules/') ? '../dist/sluice.mjs' : './sluice.ts';

if (major > 22 || (major === 22 && minor >= 18)) await import(program);
else {
  console.error(
    `sluice: this is Node ${process.versions.node}; sluice runs on Node 24 (22.18 at the least). In a clone, ` +
      '"npm ci" installs it and "npx sluice" uses it.',
  );
  process.exitCode = 2;
}
