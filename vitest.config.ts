import { defineConfig } from 'vitest/config'

/**
 * `unit`: beside the source, no root, no machine, in parallel.
 * `real`: boots kernels; one file at a time, because they share the machine's two cores and what they assert is about the whole host.
 */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['packages/*/src/**/*.test.ts', 'tools/**/*.test.ts'] } },
      {
        test: {
          name: 'real',
          include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
})
