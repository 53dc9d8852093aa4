import { randomBytes } from 'node:crypto'
import { GuestControl } from '@bulkhead/kernel/guest-channel'
import { newSandboxId } from '@bulkhead/sandbox'
import { type CreateSandbox, failure, isFailure, type Sandbox } from '@bulkhead/wire'
import type { SandboxClaim } from '../api/index.ts'
import { findCondition, type Logger, type Stored } from '../controller/index.ts'
import { buildClaim, newRecord } from './build-claim.ts'
import { mainContainer } from './build-template.ts'
import type { CachedPod } from './cached-pod.ts'
import type { ClaimWriter } from './claim-writer.ts'
import type { ClusterView } from './cluster-view.ts'
import type { GuestLinks } from './guest-links.ts'
import { type ImageNames, podImage } from './image-reference.ts'
import { place } from './placement.ts'
import type { PodTemplates } from './pod-templates.ts'
import { recordOf, type SandboxRecord } from './sandbox-record.ts'
import { type Shape, shapeOf } from './shape.ts'
import type { TokenMint } from './signed-token.ts'
import { startTrouble, whyNotYet } from './start-trouble.ts'
import { toSandbox } from './to-sandbox.ts'

export interface CreationParts {
  readonly namespace: string
  readonly view: ClusterView
  readonly claims: ClaimWriter
  readonly templates: PodTemplates
  readonly links: GuestLinks
  readonly mint: TokenMint
  readonly images: ImageNames
  readonly createTimeoutMs: number
  readonly wall: () => number
  readonly log: Logger
}

/** After this server has given up, the operator removes what is left of a claim: later than it would itself. */
const operatorGraceMs = 30_000

/** What listens in a Pod may be anything, and need not answer. */
const agentTimeoutMs = 30_000

/** Makes sandboxes: a claim, the Pod that the operator gives it, and the agent in it told who it is. */
export class Creation {
  readonly #parts: CreationParts

  constructor(parts: CreationParts) {
    this.#parts = parts
  }

  /** On failure or abort the claim is gone, and what hangs on it is removed by the cluster. */
  async create(wanted: CreateSandbox, signal: AbortSignal): Promise<Sandbox> {
    const { view, templates, images, claims, namespace, createTimeoutMs, wall, log } = this.#parts
    const shape = shapeOf(wanted, place(wanted, view.handlers()), podImage(wanted.image, images), templates.fingerprint)
    signal.throwIfAborted()
    const startedAtMs = wall()
    await templates.ensure(shape)
    signal.throwIfAborted()
    const id = newSandboxId()
    const giveUpAtMs = startedAtMs + createTimeoutMs + operatorGraceMs
    const claim = buildClaim(id, namespace, shape, newRecord(shape, wanted, startedAtMs), giveUpAtMs)
    try {
      // Without the signal: a write that was cut off may still be carried out, after what would undo it.
      await claims.create(claim)
      signal.throwIfAborted()
      const sandbox = await this.#handOver(id, shape, wanted, signal)
      // Between the last look at the signal and here it was made after all; nobody would ever know its id.
      signal.throwIfAborted()
      const { runtime, isolation, origin } = sandbox
      log.info({ sandboxId: id, runtime, isolation, origin, durationMs: wall() - startedAtMs }, 'sandbox.create')
      return sandbox
    } catch (error) {
      await this.#undo(id)
      if (isFailure(error) && imageFailures.has(error.code)) await this.#discard(id, shape)
      throw error
    }
  }

  async #handOver(id: string, shape: Shape, wanted: CreateSandbox, signal: AbortSignal): Promise<Sandbox> {
    const { claims, links, mint, wall, view } = this.#parts
    const pod = await this.#untilItRuns(id, shape, wanted, signal)
    // The RuntimeClass is what the whole promise hangs on: a template that was changed meanwhile gives no sandbox.
    if (pod.spec.runtimeClassName !== shape.runtimeClass) {
      const reason = `its Pod has the RuntimeClass ${pod.spec.runtimeClassName ?? '(none)'}, not ${shape.runtimeClass}`
      throw failure('kernel_start_failed', { runtime: shape.runtime, id, reason })
    }
    const { name, uid } = pod.metadata
    const session = await links.session(id, pod.status.podIP ?? '', signal)
    const control = new GuestControl(session, mint.token(uid, 'host'))
    const patience = AbortSignal.any([signal, AbortSignal.timeout(agentTimeoutMs)])
    await reached(id, () => control.configure({ ...identityOf(id), env: wanted.env }, patience), signal)
    const inside = await reached(id, () => control.evidence('', patience), signal)
    const given = { name, uid, bootId: inside.bootId.slice(0, 64) }
    const shutdownAtMs = wanted.deadlineMs === undefined ? null : wall() + wanted.deadlineMs
    const claim = await claims.change(id, (_, record) => {
      if (record.ended) throw failure('sandbox_not_running', { id, state: record.ended.state })
      if (record.pod) return undefined
      const origin = name === id ? 'boot' : 'pool'
      return { record: { ...record, pod: given, origin, imageDigest: digestOf(pod) }, shutdownAtMs }
    })
    const sandbox = toSandbox({ claim, pod: view.podOf(claim) }, wall())
    if (!sandbox) throw failure('sandbox_not_found', { id })
    return sandbox
  }

  async #untilItRuns(id: string, shape: Shape, wanted: CreateSandbox, signal: AbortSignal): Promise<Stored<CachedPod>> {
    const { view, createTimeoutMs } = this.#parts
    const timeout = AbortSignal.timeout(createTimeoutMs)
    let isBroughtBack = false
    try {
      const probe = () => {
        const running = this.#running(id, shape, wanted)
        // Somebody has removed the template, or the operator has not seen it yet: once is enough for either.
        if (running === 'withoutTemplate' && !isBroughtBack) {
          isBroughtBack = true
          this.#bringBack(shape)
        }
        return typeof running === 'string' ? undefined : running
      }
      return await view.until(probe, AbortSignal.any([signal, timeout]))
    } catch (error) {
      if (!timeout.aborted || signal.aborted || isFailure(error)) throw error
      const claim = view.claim(id)
      const reason = whyNotYet(claim, claim && view.podOf(claim))
      throw failure('cluster_too_slow', { operation: 'start a sandbox', waitedMs: createTimeoutMs, reason })
    }
  }

  /** Its Pod, once the agent has been started in it. */
  #running(id: string, shape: Shape, { image }: CreateSandbox): Stored<CachedPod> | 'withoutTemplate' | undefined {
    const { view } = this.#parts
    const claim = view.claim(id)
    const record = claim && recordOf(claim)
    // This server's own write is in the cache; what is not there was removed by somebody.
    if (!claim || !record) throw failure('sandbox_not_found', { id })
    if (record.ended || claim.metadata.deletionTimestamp)
      throw failure('sandbox_not_running', { id, state: record.ended?.state ?? 'stopping' })
    const pod = view.podOf(claim)
    const trouble = startTrouble(claim, pod, { id, image, runtime: shape.runtime })
    if (trouble) throw trouble
    if (isWithoutTemplate(claim)) return 'withoutTemplate'
    return pod && hasStarted(pod) ? pod : undefined
  }

  #bringBack(shape: Shape): void {
    const { templates } = this.#parts
    templates.forget(shape.name)
    templates.ensure(shape).catch((err) => this.#parts.log.warn({ template: shape.name, err }, 'template.ensure'))
  }

  /** A template whose image nobody can have goes, unless others use it: they may know better. */
  async #discard(id: string, shape: Shape): Promise<void> {
    const { view, templates, log } = this.#parts
    const others = view.all().filter(({ claim }) => claim.spec.warmPoolRef.name === shape.name)
    if (others.some(({ claim }) => claim.metadata.name !== id)) return
    await templates.remove(shape.name).catch((err) => log.error({ template: shape.name, err }, 'template.remove'))
  }

  /** The first error is the one to tell. What cannot be removed now ends by itself, by the deadline in the claim. */
  async #undo(id: string): Promise<void> {
    const { links, claims, log } = this.#parts
    links.close(id, 'it was not made')
    await claims.remove(id).catch((err) => log.error({ sandboxId: id, err }, 'sandbox.undo'))
  }
}

/** After these nothing can be made of the template: its pool would try for ever. */
const imageFailures: ReadonlySet<string> = new Set([
  'image_not_found',
  'image_invalid',
  'image_reference_invalid',
  'registry_unauthorized',
])

const isWithoutTemplate = (claim: Stored<SandboxClaim>): boolean =>
  /^(WarmPool|Template)NotFound$/.test(findCondition(claim.status?.conditions, 'Ready')?.reason ?? '')

const hasStarted = ({ metadata, status }: Stored<CachedPod>): boolean =>
  !metadata.deletionTimestamp &&
  Boolean(status.podIP) &&
  (status.containerStatuses ?? []).some(({ name, state }) => name === mainContainer && state?.running !== undefined)

/** `registry/name@sha256:…`, or the digest alone where the image was not pulled. */
const digestOf = ({ status }: Stored<CachedPod>): SandboxRecord['imageDigest'] =>
  /sha256:[0-9a-f]{64}$/.exec(
    status.containerStatuses?.find(({ name }) => name === mainContainer)?.imageID ?? ''
  )?.[0] ?? ''

/** The agent takes user and folder from the image where none is named. It checks signatures: token and key say nothing to it. */
const identityOf = (hostname: string) => ({
  hostname,
  machineId: randomBytes(16).toString('hex'),
  accessToken: 'signed',
  channelKey: '0'.repeat(32),
  user: '',
  workdir: '',
})

/** What the agent, or who is in its place, answers is no error of this program. */
async function reached<Answer>(id: string, call: () => Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  try {
    return await call()
  } catch (cause) {
    signal.throwIfAborted()
    if (isFailure(cause)) throw cause
    throw failure(
      'guest_unreachable',
      { id, reason: cause instanceof Error ? cause.message : String(cause) },
      { cause }
    )
  }
}
