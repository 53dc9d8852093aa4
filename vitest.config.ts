import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Times bound a failure; none says how fast something is: machines stall for seconds. */
const patience = { timeout: 20_000 }

const slow = { testTimeout: 120_000, hookTimeout: 180_000, expect: { poll: patience } }

/** Boots kernels; one file at a time, because they share the machine's two cores and what they assert is about the whole host. */
const real = (name: string, include: string, ...exclude: string[]) => ({
  test: { name, include: [include], exclude, fileParallelism: false, ...slow },
})

/** Files that take minutes begin first: two at a time, the last one would else run alone. */
class FaultsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => moduleId.includes('/faults/')
    const sorted = await super.sort(files)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

/** Each file has a control plane, or a cluster, of its own: two at a time. */
const kubernetes = (name: string, ...include: string[]) => ({ test: { name, include, maxWorkers: 2, ...slow } })

/**
 * `unit`: beside the source, no root, no machine, in parallel.
 * `real`: one package with kernels; `across`: what crosses packages.
 * `control-plane`: an API server and its etcd; `cluster`: a whole cluster.
 */
export default defineConfig({
  test: {
    sequence: { sequencer: FaultsFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'tools/**/*.test.ts', 'bench/**/*.test.ts'],
          testTimeout: 60_000,
          expect: { poll: patience },
        },
      },
      real('real', 'packages/*/test/**/*.test.ts', 'packages/kubernetes/**'),
      real('across', 'test/**/*.test.ts', 'test/cluster/**', 'test/kubernetes/**'),
      kubernetes('control-plane', 'packages/kubernetes/test/**/*.test.ts'),
      kubernetes('cluster', 'test/{cluster,kubernetes}/**/*.test.ts'),
    ],
  },
})
