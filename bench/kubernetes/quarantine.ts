import { quarantines, type SandboxClaim, sandboxClaims } from '../../packages/kubernetes/src/api/index.ts'
import type { Stored } from '../../packages/kubernetes/src/controller/index.ts'
import type { Figure } from '../figure.ts'
import { inTurns } from '../stats.ts'
import type { BenchCluster } from './bench-cluster.ts'
import { claim, gvisorPodSpec } from './objects.ts'
import { isReady, ReadyWatch } from './ready-watch.ts'
import { poolName, requestPool } from './warm-pool.ts'

const namespace = 'bench-quarantine'
const turns = 8
const members = 3
const withinMs = 120_000
const served = 'served'

/** How long a claim is without a Sandbox that anybody trusts, against a claim that is new: both take a member of the pool. */
export async function quarantine(cluster: BenchCluster): Promise<Figure[]> {
  const { client } = cluster
  await using _namespace = await cluster.openNamespace(namespace)
  await using _operator = await cluster.startOperator('quarantine')
  await using pool = await requestPool(cluster, namespace, gvisorPodSpec, members)
  await using claims = await ReadyWatch.open(cluster, sandboxClaims, namespace)
  const sandboxOf = (name: string) => readySandboxOf(claims.objects.get(name))

  await pool.full()
  await client.create(sandboxClaims, claim(namespace, served, poolName))
  await claims.until('a claim', withinMs, () => sandboxOf(served) !== undefined)
  let made = 0
  const took = await inTurns(turns, {
    quarantine: async () => {
      await pool.settled()
      const bad = sandboxOf(served) ?? ''
      const name = `q-${made++}`
      const began = performance.now()
      await client.create(quarantines, { metadata: { namespace, name }, spec: { sandboxRef: { name: bad } } })
      await claims.until('another Sandbox', withinMs, () => ![undefined, bad].includes(sandboxOf(served)))
      const ms = performance.now() - began
      await client.delete(quarantines, { namespace, name })
      return ms
    },
    claim: async () => {
      await pool.settled()
      const name = `new-${made++}`
      const began = performance.now()
      await client.create(sandboxClaims, claim(namespace, name, poolName))
      await claims.until('a new claim', withinMs, () => sandboxOf(name) !== undefined)
      const ms = performance.now() - began
      await client.delete(sandboxClaims, { namespace, name })
      return ms
    },
  })
  const { p50, min, max, n } = took.quarantine
  return [
    {
      name: 'Kubernetes: quarantine → the claim has a clean Sandbox, gVisor, from a pool: p50',
      value: p50 / 1000,
      unit: 's',
      target: { atMost: 3 },
      detail: `${min.toFixed(0)}…${max.toFixed(0)} ms, n=${n}; a new claim takes p50 ${took.claim.p50.toFixed(0)} ms`,
    },
  ]
}

const readySandboxOf = (found: Stored<SandboxClaim> | undefined): string | undefined =>
  found && isReady(found) ? found.status?.sandbox?.name : undefined
