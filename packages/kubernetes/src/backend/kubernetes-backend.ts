import { type Backend, type GuestEndpoint, hasEnded, hasKernel, type Images } from '@bulkhead/sandbox'
import { CreateSandbox, type Evidence, failure, type RuntimeReport, type Sandbox } from '@bulkhead/wire'
import type { ClaimWriter } from './claim-writer.ts'
import type { ClusterView } from './cluster-view.ts'
import type { Creation } from './creation.ts'
import { type EvidenceParts, takeEvidence } from './evidence.ts'
import { guard } from './guard.ts'
import { reportsOf } from './placement.ts'
import { recordOf } from './sandbox-record.ts'
import { type Known, toSandbox } from './to-sandbox.ts'

export interface BackendParts extends EvidenceParts {
  readonly view: ClusterView
  readonly claims: ClaimWriter
  readonly creation: Creation
  /** Made with what removes a sandbox. */
  readonly images: (remove: (id: string) => Promise<void>) => Images
  readonly endTimeoutMs: number
  readonly wall: () => number
  /** Ends what goes on in the background; sandboxes go on. */
  readonly stop: () => Promise<void>
}

/** Sandboxes of a cluster. What it knows is what the cluster's API server shows: another server, or the next one, knows the same. */
export class KubernetesBackend implements Backend {
  readonly images: Images
  readonly #parts: BackendParts
  readonly #closing = new AbortController()
  readonly #underWay = new Set<Promise<unknown>>()
  #stopped: Promise<void> | undefined

  constructor(parts: BackendParts) {
    this.#parts = parts
    this.images = parts.images((id) => this.delete(id))
  }

  create(request: CreateSandbox, signal: AbortSignal): Promise<Sandbox> {
    const either = AbortSignal.any([signal, this.#closing.signal])
    const create = async () => this.#parts.creation.create(validate(request), either)
    return this.#track(guard('create a sandbox', create, either))
  }

  async get(id: string): Promise<Sandbox> {
    return this.#shown(this.#known(id))
  }

  async list({ ended = false }: { ended?: boolean } = {}): Promise<Sandbox[]> {
    const now = this.#parts.wall()
    return this.#parts.view
      .all()
      .flatMap((known) => toSandbox(known, now) ?? [])
      .filter(({ state }) => ended || !hasEnded(state))
      .sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0))
  }

  async delete(id: string): Promise<void> {
    this.#known(id)
    await this.#track(guard('delete a sandbox', () => this.#delete(id)))
  }

  async setDeadline(id: string, deadlineMs: number | null): Promise<Sandbox> {
    this.#running(id)
    return await guard('set a deadline', async () => {
      const { claims, view, wall } = this.#parts
      const shutdownAtMs = deadlineMs === null ? null : wall() + deadlineMs
      const claim = await claims.change(id, (claim) => {
        this.#asRunning(id, { claim, pod: view.podOf(claim) })
        return shutdownAtMs === null && !claim.spec.lifecycle ? undefined : { shutdownAtMs }
      })
      return this.#shown({ claim, pod: view.podOf(claim) })
    })
  }

  async channel(id: string, signal: AbortSignal): Promise<GuestEndpoint> {
    const { uid, address } = this.#pod(id)
    const { links, mint } = this.#parts
    const session = await guard('reach the guest', () => links.session(id, address, signal), signal)
    return { session, accessToken: mint.token(uid, 'client') }
  }

  async evidence(id: string, signal: AbortSignal): Promise<Evidence> {
    this.#running(id)
    return await guard('take evidence', () => takeEvidence(this.#parts, id, signal), signal)
  }

  async runtimes(): Promise<RuntimeReport[]> {
    const { view, wall } = this.#parts
    return reportsOf(view.handlers(), new Date(wall()).toISOString())
  }

  /** The operator keeps deadlines, whether this server runs or not; they are counted as on one machine, all the same. */
  busy(): number {
    const now = this.#parts.wall()
    const timed = this.#parts.view.all().filter((known) => toSandbox(known, now)?.deadlineAt !== undefined)
    return this.#underWay.size + timed.length
  }

  /** What is being made is given up, sandboxes go on. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#closing.abort(failure('server_stopping', {}))
    await Promise.allSettled(this.#underWay)
    await this.#parts.stop()
  }

  async #track<Result>(work: Promise<Result>): Promise<Result> {
    this.#underWay.add(work)
    try {
      return await work
    } finally {
      this.#underWay.delete(work)
    }
  }

  async #delete(id: string): Promise<void> {
    const { claims, links, view, wall, endTimeoutMs } = this.#parts
    const at = new Date(wall()).toISOString()
    const claim = await claims.change(id, (_, record) =>
      record.ended ? undefined : { record: { ...record, ended: { state: 'stopped', at } }, shutdownAtMs: wall() }
    )
    links.close(id, 'the sandbox was deleted')
    // The operator sees the time that is over, and removes Sandbox and Pod.
    const timeout = AbortSignal.timeout(endTimeoutMs)
    try {
      await view.until(() => (view.podOf(view.claim(id) ?? claim) ? undefined : true), timeout)
    } catch (cause) {
      if (!timeout.aborted) throw cause
      const reason = 'its Pod is still there; does the operator run with --extensions?'
      throw failure('cluster_too_slow', { operation: 'end a sandbox', waitedMs: endTimeoutMs, reason }, { cause })
    }
  }

  /** Fails `sandbox_not_found`. */
  #known(id: string): Known {
    const known = this.#parts.view.known(id)
    if (!known || !recordOf(known.claim)) throw failure('sandbox_not_found', { id })
    return known
  }

  /** Fails `sandbox_not_found`, `sandbox_not_running`. */
  #running(id: string): Known {
    return this.#asRunning(id, this.#known(id))
  }

  #asRunning(id: string, known: Known): Known {
    const { state, reason } = this.#shown(known)
    if (hasKernel(state)) return known
    throw failure('sandbox_not_running', { id, state, ...(reason !== undefined && { reason }) })
  }

  /** Its address is what the Pod itself says: not what anybody may have written into the claim. */
  #pod(id: string): { readonly uid: string; readonly address: string } {
    const { claim, pod } = this.#running(id)
    const uid = recordOf(claim)?.pod?.uid
    const address = pod?.status.podIP
    if (!uid || pod?.metadata.uid !== uid || !address)
      throw failure('guest_unreachable', { id, reason: 'the cluster does not show its Pod' })
    return { uid, address }
  }

  #shown(known: Known): Sandbox {
    const sandbox = toSandbox(known, this.#parts.wall())
    if (!sandbox) throw failure('sandbox_not_found', { id: known.claim.metadata.name })
    return sandbox
  }
}

/** The server has checked it already; a Backend may also be called by a program. Fails `invalid_request`. */
function validate(request: CreateSandbox): CreateSandbox {
  const parsed = CreateSandbox.safeParse(request)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const problem = issue?.message ?? 'not valid'
  throw failure('invalid_request', { field: issue?.path.join('.') || 'request', problem })
}
