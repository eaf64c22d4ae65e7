import {defineConfig} from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/byte-equality.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // two cores: the tests start registries and readers of their own beside the workers
    maxWorkers: 3,
    disableConsoleIntercept: true,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text', 'html'],
    },
  },
})
