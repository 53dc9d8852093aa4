import { randomBytes } from 'node:crypto'
import { GuestControl, insideView } from '@bulkhead/kernel/guest-channel'
import { type Evidence, failure, type InsideView } from '@bulkhead/wire'
import { insideChecks } from '@bulkhead/witness'
import { type ApiClient, isForbidden, isNotFound, type Logger, type Node, nodes } from '../controller/index.ts'
import type { ClusterView } from './cluster-view.ts'
import type { GuestLinks } from './guest-links.ts'
import { recordOf } from './sandbox-record.ts'
import type { TokenMint } from './signed-token.ts'

/** A guest that hangs makes its own evidence `unknown`. */
const insideTimeoutMs = 10_000
/** In `missing`: why there is no host side. */
const noWitness = 'host: nobody on the node looks at the process of the kernel'

/** Checks that hold against nothing where the node is not seen. */
const againstHost: ReadonlySet<string> = new Set(["boot id is not the host's", "kernel is not the host's"])

export interface EvidenceParts {
  readonly client: ApiClient
  readonly view: ClusterView
  readonly links: GuestLinks
  readonly mint: TokenMint
  readonly log: Logger
}

/**
 * What the inside says to a fresh nonce, held against the node that the API server names and against what every other sandbox said. The process of the
 * kernel is not seen from here: the outcome is never `proven`.
 */
export async function takeEvidence(parts: EvidenceParts, id: string, signal: AbortSignal): Promise<Evidence> {
  const { view } = parts
  const known = view.known(id)
  const record = known && recordOf(known.claim)
  if (!record) throw failure('sandbox_not_found', { id })
  if (!record.pod || !known.pod) throw failure('sandbox_not_running', { id, state: 'stopping' })
  const { uid } = record.pod
  const nonce = randomBytes(32).toString('hex')
  const [node, inside] = await Promise.all([
    readNode(parts, known.pod.spec.nodeName, signal),
    ask(parts, id, uid, known.pod.status.podIP ?? '', nonce, signal),
  ])
  const hostBootId = node?.status?.nodeInfo?.bootID ?? ''
  const hostKernelRelease = node?.status?.nodeInfo?.kernelVersion ?? ''
  const unseen = node ? [] : [`node: this server may not see the node ${known.pod.spec.nodeName ?? '(none)'}`]
  const checks = inside
    ? insideChecks({
        runtime: record.runtime,
        hostBootId,
        hostKernelRelease,
        inside,
        nonce,
        others: othersOf(view, id),
      }).filter(({ name }) => node || !againstHost.has(name))
    : []
  return {
    sandboxId: id,
    takenAt: new Date().toISOString(),
    hostBootId,
    hostKernelRelease,
    ...(inside && { inside }),
    missing: [noWitness, ...unseen],
    verdict: { outcome: checks.some(({ held }) => !held) ? 'violated' : 'unknown', checks },
  }
}

const othersOf = (view: ClusterView, id: string) =>
  view.all().flatMap(({ claim }) => {
    const other = recordOf(claim)
    if (!other?.pod || other.ended || claim.metadata.name === id) return []
    return [{ id: claim.metadata.name, ...(other.pod.bootId && { bootId: other.pod.bootId }) }]
  })

async function readNode({ client }: EvidenceParts, name: string | undefined, signal: AbortSignal) {
  if (!name) return undefined
  try {
    return (await client.get(nodes, { name }, { signal })) as Node
  } catch (error) {
    if (isForbidden(error) || isNotFound(error)) return undefined
    throw error
  }
}

/** Undefined when the inside does not answer in time, or nonsense. */
async function ask(
  { links, mint, log }: EvidenceParts,
  id: string,
  uid: string,
  address: string,
  nonce: string,
  signal: AbortSignal
): Promise<InsideView | undefined> {
  const either = AbortSignal.any([signal, AbortSignal.timeout(insideTimeoutMs)])
  try {
    const session = await links.session(id, address, either)
    return insideView(await new GuestControl(session, mint.token(uid, 'host')).evidence(nonce, either))
  } catch (err) {
    signal.throwIfAborted()
    log.warn({ sandboxId: id, err }, 'evidence.inside')
    return undefined
  }
}
