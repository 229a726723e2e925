import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/**
 * Tests start `surge`, trainers and engines some hundred times; what Node compiled the first time need not be compiled
 * again, which halves such a start. Inherited by every process that a test starts.
 */
const env = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/surge-lab-tests', import.meta.url)),
};

/** What others beside it would disturb, or what would disturb them. */
const alone = [
  // The system counts what it kills for want of memory: who is killed at that time is taken for one of those.
  'test/integration/cli/failures.test.ts',
  // A cluster of one node counts its processors as free.
  'test/integration/slurm/slurm.test.ts',
  // Builds the window and the program, where others read them.
  'test/integration/package/package.test.ts',
];

// Limits are for a machine with far too much to do; a test that waits for a state ends as soon as it is there.
export default defineConfig({
  test: {
    // Two files at a time, also on two cores: most of them wait for processes that they started.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 60_000, env },
      },
      {
        // Real TensorFlow, real SQLite, real processes.
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          exclude: alone,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          env,
        },
      },
      {
        test: {
          name: 'integration-alone',
          include: alone,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
          env,
        },
      },
      {
        // The window in real Chromium against the real host: one file at a time, with nothing beside it.
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          env,
        },
      },
    ],
  },
});
