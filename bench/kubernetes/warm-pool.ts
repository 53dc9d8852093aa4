import {
  type PodSpec,
  type SandboxWarmPool,
  sandboxTemplates,
  sandboxWarmPools,
} from '../../packages/kubernetes/src/api/index.ts'
import type { Stored } from '../../packages/kubernetes/src/controller/index.ts'
import type { BenchCluster } from './bench-cluster.ts'
import { pool, template } from './objects.ts'
import { ReadyWatch } from './ready-watch.ts'
import { settledWrites, type Writes } from './write-counter.ts'

export const poolName = 'pool'
const templateName = 'template'
const fullWithinMs = 300_000
const settledWithinMs = 180_000

/** A pool that has just been asked for, with the template it needs. */
export interface RequestedPool extends AsyncDisposable {
  /** Resolves when its status says that all members there should be are there and Ready. */
  full(): Promise<void>
  /** The same, and the operator has come to rest. */
  settled(): Promise<Writes>
}

export async function requestPool(
  cluster: BenchCluster,
  namespace: string,
  spec: PodSpec,
  replicas: number
): Promise<RequestedPool> {
  const { client, signal } = cluster
  const pools = await ReadyWatch.open(cluster, sandboxWarmPools, namespace)
  await client.create(sandboxTemplates, template(namespace, templateName, spec))
  await client.create(sandboxWarmPools, pool(namespace, poolName, templateName, replicas))
  const isFull = (found: Stored<SandboxWarmPool> | undefined) =>
    found?.status?.replicas === replicas && found.status.readyReplicas === replicas
  const full = () =>
    pools.until(`a pool of ${replicas} Ready`, fullWithinMs, ({ objects }) => isFull(objects.get(poolName)))
  return {
    full,
    async settled() {
      await full()
      // Its status may be from before a member was taken.
      const writes = await settledWrites(client, settledWithinMs, signal)
      await full()
      return writes
    },
    [Symbol.asyncDispose]: () => pools[Symbol.asyncDispose](),
  }
}
