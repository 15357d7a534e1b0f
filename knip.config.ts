import type { KnipConfig } from 'knip';

/** Entries that no import leads to: the CDK bundles handlers by path, npm scripts and benchmarks run files by name. */
const config: KnipConfig = {
  entry: [
    'infra/app.ts',
    'examples/cdk/app.ts',
    'examples/cdk/checkout/*.mjs',
    'functions/**/*.handler.ts',
    'cli/sluice.ts',
    'local/{start,test,check,package}.ts',
    'local/demo/*.mjs',
    'bench/*.ts',
    'test/**/*.test.ts',
    'test/e2e/global-setup.ts',
  ],
  project: ['{infra,functions,cli,local,bench,test,examples}/**/*.{ts,mjs}', '!test/fixtures/**'],
  // Exported for a test or a reader, and used where it stands: not dead.
  ignoreExportsUsedInFile: true,
  // Called by name by local/check.ts.
  // Skipped with a message where it is absent.
  ignoreBinaries: ['go', 'java', 'mvn'],
  ignoreDependencies: ['@biomejs/biome', 'asl-validator', 'aws-cdk'],
};

export default config;
