import { defineConfig } from 'vitest/config'

/** Times bound a failure; none says how fast something is: machines stall for seconds. */
const patience = { timeout: 20_000 }

/** Boots kernels; one file at a time, because they share the machine's two cores and what they assert is about the whole host. */
const real = (name: string, include: string) => ({
  test: {
    name,
    include: [include],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    expect: { poll: patience },
  },
})

/**
 * `unit`: beside the source, no root, no machine, in parallel.
 * `real`: one package with kernels; `across`: what crosses packages.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'tools/**/*.test.ts', 'bench/**/*.test.ts'],
          testTimeout: 60_000,
          expect: { poll: patience },
        },
      },
      real('real', 'packages/*/test/**/*.test.ts'),
      real('across', 'test/**/*.test.ts'),
    ],
  },
})
