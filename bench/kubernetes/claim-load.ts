import { label, type SandboxClaim, sandboxClaims, sandboxes } from '../../packages/kubernetes/src/api/index.ts'
import { controllerOf, type Stored } from '../../packages/kubernetes/src/controller/index.ts'
import type { BenchCluster } from './bench-cluster.ts'
import { claim } from './objects.ts'
import { offer } from './offer.ts'
import { isReady, ReadyWatch } from './ready-watch.ts'

export interface ClaimLoadOptions {
  readonly namespace: string
  readonly pool: string
  readonly total: number
  readonly perSecond: number
  /** After the last was offered. */
  readonly readyWithinMs: number
}

/** What became of a load of claims. Times in ms. */
export interface ClaimLoad {
  readonly offered: number
  /** From when each that became Ready was to be created until a watch said so; what the load itself was late is in it. */
  readonly readyAfterMs: readonly number[]
  /** The same for the API server's answer to the creation: below that no operator can be. */
  readonly answeredAfterMs: readonly number[]
  /** From the first offer to the last Ready. */
  readonly tookMs: number
  /** In the order in which they became Ready: as the how many-th the API server had stored each. */
  readonly order: readonly number[]
  readonly faults: ClaimFaults
  /** Which got a Sandbox of the pool. */
  readonly warm: number
  /** How late the latest was offered. */
  readonly lateMs: number
}

export interface ClaimFaults {
  /** The API server would not create them. */
  readonly refused: number
  /** Not Ready in time. */
  readonly lost: number
  /** Were Ready, and are so no longer, or without a Sandbox that is theirs. */
  readonly broken: number
  /** Sandboxes that two claims name. */
  readonly shared: number
}

export const faultsOf = ({ refused, lost, broken, shared }: ClaimFaults): number => refused + lost + broken + shared

/** Offers claims at a rate, and follows each by a watch until it is Ready. Once that is over, what they got is checked against the Sandboxes. */
export async function loadClaims(cluster: BenchCluster, options: ClaimLoadOptions): Promise<ClaimLoad> {
  const { client, signal } = cluster
  const { namespace, pool, total, perSecond, readyWithinMs } = options
  await using watch = await ReadyWatch.open(cluster, sandboxClaims, namespace)
  const dueMs = new Map<string, number>()
  const answeredMs = new Map<string, number>()
  const created: { readonly name: string; readonly version: bigint }[] = []
  let refused = 0
  const lateMs = await offer({
    total,
    perSecond,
    signal,
    start: async (at, due) => {
      const name = `claim-${at}`
      dueMs.set(name, due)
      try {
        const { metadata } = await client.create(sandboxClaims, claim(namespace, name, pool), { retry: false })
        answeredMs.set(name, performance.now())
        created.push({ name, version: BigInt(metadata.resourceVersion) })
      } catch (error) {
        refused += 1
        process.stderr.write(`claim refused: ${(error as Error).message}\n`)
      }
    },
  })
  const wanted = total - refused
  await watch
    .until(`${wanted} claims Ready`, readyWithinMs, ({ readyAtMs }) => readyAtMs.size >= wanted)
    .catch((error) => process.stderr.write(`${error.message}\n`))

  const storedAs = new Map(
    created.toSorted((a, b) => (a.version < b.version ? -1 : 1)).map(({ name }, at) => [name, at])
  )
  const ready = [...watch.readyAtMs]
  const since = ([name, atMs]: readonly [string, number]) => atMs - (dueMs.get(name) as number)
  const { broken, shared, warm } = await check(cluster, namespace, [...watch.objects.values()])
  return {
    offered: total,
    readyAfterMs: ready.map(since),
    answeredAfterMs: [...answeredMs].map(since),
    tookMs: (ready.at(-1)?.[1] ?? performance.now()) - (dueMs.get('claim-0') as number),
    order: ready.flatMap(([name]) => storedAs.get(name) ?? []),
    faults: { refused, lost: wanted - ready.length, broken, shared },
    warm,
    lateMs,
  }
}

async function check(cluster: BenchCluster, namespace: string, claims: readonly Stored<SandboxClaim>[]) {
  const { items } = await cluster.client.list(sandboxes, { namespace })
  const byName = new Map(items.map((item) => [item.metadata.name, item]))
  const named = claims.flatMap(({ status }) => status?.sandbox?.name ?? [])
  const holds = (one: Stored<SandboxClaim>) => {
    const sandbox = byName.get(one.status?.sandbox?.name ?? '')
    return sandbox !== undefined && isReady(one) && controllerOf(sandbox)?.uid === one.metadata.uid
  }
  return {
    broken: claims.filter((one) => !holds(one)).length,
    shared: named.length - new Set(named).size,
    warm: named.filter((name) => byName.get(name)?.metadata.labels?.[label.launchType] === 'warm').length,
  }
}
