import { defineConfig } from 'vitest/config';

/** Fast, offline tests; the end-to-end suite has its own project because it owns an emulator. */
export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/infra/**'],
          // Some start the command as a process of its own: seconds, on a machine that has other things to do.
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'infra',
          // Loading the CDK takes most of a file's time: once for all of them.
          isolate: false,
          fileParallelism: false,
          include: ['test/infra/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 240_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/e2e/global-setup.ts'],
          testTimeout: 240_000,
          hookTimeout: 240_000,
          fileParallelism: false,
          // Each has a service and its traffic; more at a time only wait for each other on two cores.
          maxConcurrency: 4,
        },
      },
    ],
  },
});
