import {availableParallelism} from 'node:os'
import {defineConfig} from 'vitest/config'
import LongestFirst from './test/support/longest-first.js'

const cores = availableParallelism()
/**
 * The long tests wait for the programs and registries that they start. Files share what they
 * import, as unit tests do. Those with ten seconds of work have time for it on a busy machine, too.
 */
const waiting = {
  maxWorkers: 2 * cores,
  isolate: false,
  testTimeout: 180_000,
  sequence: {groupOrder: 1},
}
const written = 'test/support/temporary-files.ts'
const shared = ['test/support/byte-equality.ts', 'test/support/property-runs.ts']

/** Three projects, told apart by the names of their files: see docs/testing.md. */
export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    disableConsoleIntercept: true,
    sequence: {sequencer: LongestFirst},
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text', 'html'],
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.system.test.ts', 'test/e2e/**'],
          globalSetup: ['test/support/unit-setup.ts'],
          setupFiles: [...shared, written, 'test/support/no-processes.ts'],
          pool: 'threads',
          // what a file imports is loaded once a thread and not once a file
          isolate: false,
          maxWorkers: Math.max(2, cores - 1),
          sequence: {groupOrder: 0},
          env: {TEST_PROJECT: 'unit'},
        },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['test/**/*.system.test.ts'],
          exclude: ['test/e2e/**'],
          globalSetup: ['test/support/global-setup.ts'],
          setupFiles: [...shared, written],
          ...waiting,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/support/global-setup.ts'],
          setupFiles: [...shared, written],
          ...waiting,
        },
      },
    ],
  },
})
