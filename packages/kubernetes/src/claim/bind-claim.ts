import { type Sandbox, type SandboxClaim, type SandboxTemplate, type SandboxWarmPool, sandboxes } from '../api/index.ts'
import { isAlreadyExists, isControlledBy, keyOf, objectKey, type Stored } from '../controller/index.ts'
import { malformationOfClaim, malformationOfTemplate, malformationOfWarmPool } from '../malformation/index.ts'
import { adoptionPatch, podMetadataFor } from './adoption.ts'
import { ClaimRefused, reconcilerError, templateNotFound, warmPoolNotFound } from './claim-refused.ts'
import type { ClaimWork } from './claim-work.ts'
import { deleteSandbox, patchClaim, patchSandbox, readClaim, readSandbox } from './claim-writes.ts'
import { coldSandbox } from './cold-sandbox.ts'
import { message, reason } from './conditions.ts'
import { findSandbox, type SandboxView } from './find-sandbox.ts'
import { isReady, podStateOf } from './member-state.ts'
import { checkAdditionalPodMetadata } from './pod-metadata.ts'
import { stampsPatch } from './stamps.ts'
import { podKeyOf, takeMember } from './take-member.ts'
import { templateOf } from './template-of.ts'

export type Binding =
  | { readonly kind: 'bound'; readonly claim: Stored<SandboxClaim>; readonly sandbox: Stored<Sandbox> }
  /** Members of the pool are about to get their addresses. */
  | { readonly kind: 'waits' }
  /** The claim is gone, or going. */
  | { readonly kind: 'gone' }

/** Steps of one pass; as many as it takes when others are quicker some times. */
const maxSteps = 12

/**
 * Finds the claim's Sandbox, takes one from the pool, or makes one. Each step leaves a state that the next one, of whatever process, goes on from. Throws
 * ClaimRefused when the claim cannot have one.
 */
export async function bindClaim(work: ClaimWork, first: Stored<SandboxClaim>, signal: AbortSignal): Promise<Binding> {
  const pass = new BindingPass(work, first, signal)
  for (let step = 0; step < maxSteps; step++) {
    const binding = await pass.step()
    if (binding) return binding
  }
  throw new ClaimRefused(reason.adoptionConflict, message.adoptionConflict, 'soon')
}

function nameTaken({ metadata: { name, deletionTimestamp } }: Stored<Sandbox>): ClaimRefused {
  if (deletionTimestamp)
    return new ClaimRefused(reason.sandboxCreatePending, message.sandboxCreatePending(name), 'soon')
  return reconcilerError(`Sandbox "${name}" is not controlled by this claim`, 'soon')
}

/** Until somebody changes what cannot be read. */
function refuseMalformed(wrong: string | undefined, whose = ''): void {
  if (wrong) throw reconcilerError(`${whose}${wrong}`, 'onInput')
}

class BindingPass {
  readonly #work: ClaimWork
  readonly #signal: AbortSignal
  /** Sandboxes as the API server has them, by name. */
  readonly #read = new Map<string, Stored<Sandbox> | undefined>()
  #claim: Stored<SandboxClaim>

  constructor(work: ClaimWork, claim: Stored<SandboxClaim>, signal: AbortSignal) {
    this.#work = work
    this.#claim = claim
    this.#signal = signal
  }

  /** Undefined: one step further. */
  async step(): Promise<Binding | undefined> {
    refuseMalformed(malformationOfClaim(this.#claim))
    const found = findSandbox(this.#claim, this.#view(), this.#work.context.clock.wall())
    switch (found.kind) {
      case 'bound':
        return this.#bound(found.sandbox)
      case 'unsure':
        await this.#readAgain(found.name)
        return undefined
      case 'dead':
        await deleteSandbox(this.#work, found.sandbox, this.#signal)
        this.#read.set(found.sandbox.metadata.name, undefined)
        return undefined
      case 'assigned':
        return this.#finishAdoption(found.sandbox)
      case 'taken':
        throw nameTaken(found.sandbox)
      case 'none':
        return this.#obtain()
    }
  }

  #bound = (sandbox: Stored<Sandbox>): Binding => ({ kind: 'bound', claim: this.#claim, sandbox })

  #view(): SandboxView {
    const { store } = this.#work.context.caches.sandboxes
    const { namespace, uid } = this.#claim.metadata
    return {
      get: (name) =>
        this.#read.has(name)
          ? { sandbox: this.#read.get(name), certain: true }
          : { sandbox: store.get(keyOf({ namespace, name })), certain: false },
      owned: store
        .by('controller', uid)
        .filter((sandbox) => isControlledBy(sandbox, this.#claim) && !this.#read.has(sandbox.metadata.name)),
    }
  }

  async #readAgain(name: string): Promise<void> {
    const { namespace } = this.#claim.metadata
    this.#read.set(name, await readSandbox(this.#work, { namespace, name }, this.#signal))
  }

  async #obtain(): Promise<Binding | undefined> {
    const { pool, template } = this.#resolve()
    const { env, volumeClaimTemplates } = this.#claim.spec
    this.#checkMetadata()
    if (env?.length || volumeClaimTemplates?.length) return this.#start(template)
    const choice = takeMember(this.#work, this.#claim, pool, template)
    if (choice.kind === 'pending') return { kind: 'waits' }
    if (choice.kind === 'none') return this.#start(template)
    try {
      return await this.#assign(choice.sandbox)
    } finally {
      const available = this.#work.members.release(objectKey(choice.sandbox))
      if (available) this.#work.wakeWaiting(available)
    }
  }

  #resolve(): { readonly pool: Stored<SandboxWarmPool>; readonly template: Stored<SandboxTemplate> } {
    const { pools, templates } = this.#work.context.caches
    const { namespace } = this.#claim.metadata
    const poolName = this.#claim.spec.warmPoolRef.name
    const pool = pools.store.get(keyOf({ namespace, name: poolName }))
    if (!pool) throw warmPoolNotFound(poolName)
    refuseMalformed(malformationOfWarmPool(pool), `SandboxWarmPool "${poolName}": `)
    const { name } = pool.spec.sandboxTemplateRef
    const template = templates.store.get(keyOf({ namespace, name }))
    if (!template) throw templateNotFound(name)
    refuseMalformed(malformationOfTemplate(template), `SandboxTemplate "${name}": `)
    return { pool, template }
  }

  /** First the claim says which member it is given: from there on, no other claim takes it, and every later pass goes on with it. */
  async #assign(sandbox: Stored<Sandbox>): Promise<Binding | undefined> {
    // Throws before anything is written.
    this.#podMetadataFor(sandbox)
    const { arrivals, context } = this.#work
    const arrival = arrivals.of(this.#claim)
    const isStamped = !context.settings.disableClaimObservabilityAnnotations
    if (isReady(sandbox)) arrival.readyAt ??= arrivals.nowText()
    const patch = stampsPatch(this.#claim, {
      sandboxName: sandbox.metadata.name,
      observedAt: isStamped ? arrival.observedAt : undefined,
      readyAt: isStamped && isReady(sandbox) ? arrival.readyAt : undefined,
    })
    const assigned = patch ? await patchClaim(this.#work, this.#claim, patch, this.#signal) : this.#claim
    if (!assigned) return this.#claimChanged()
    this.#claim = assigned
    return this.#adopt(sandbox)
  }

  /** The assignment was made by a pass that was cut short. */
  async #finishAdoption(sandbox: Stored<Sandbox>): Promise<Binding | undefined> {
    const { pods } = this.#work.context.caches
    if (sandbox.status?.podIPs?.length && podStateOf(pods.store.get(podKeyOf(sandbox))) === 'dying') {
      // As good as gone: the next assignment takes the place of this one.
      this.#read.set(sandbox.metadata.name, undefined)
      return undefined
    }
    return this.#adopt(sandbox)
  }

  async #adopt(sandbox: Stored<Sandbox>): Promise<Binding | undefined> {
    // Also of an assignment that was found: the claim can have changed since, and anybody who may write claims can have written it.
    this.#checkMetadata()
    const patch = adoptionPatch(sandbox, this.#claim, this.#podMetadataFor(sandbox))
    const adopted = await patchSandbox(this.#work, sandbox, patch, this.#signal)
    if (adopted) return this.#bound(adopted)
    // Its status may just have changed, or it is somebody's by now: what it is, decides how it goes on.
    await this.#readAgain(sandbox.metadata.name)
    return undefined
  }

  async #start(template: Stored<SandboxTemplate>): Promise<Binding | undefined> {
    const { client, caches } = this.#work.context
    const sandbox = coldSandbox(this.#claim, template)
    try {
      const made = await client.create(sandboxes, sandbox, { signal: this.#signal, lane: 'urgent' })
      caches.sandboxes.store.wrote(made)
      return this.#bound(made)
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
      await this.#readAgain(this.#claim.metadata.name)
      return undefined
    }
  }

  async #claimChanged(): Promise<Binding | undefined> {
    const claim = await readClaim(this.#work, this.#claim.metadata, this.#signal)
    if (!claim || claim.metadata.uid !== this.#claim.metadata.uid || claim.metadata.deletionTimestamp)
      return { kind: 'gone' }
    this.#claim = claim
    return undefined
  }

  #checkMetadata(): void {
    checkAdditionalPodMetadata(this.#claim.spec.additionalPodMetadata, this.#work.allowedLabelDomains())
  }

  #podMetadataFor(sandbox: Stored<Sandbox>) {
    return podMetadataFor(sandbox, this.#claim, templateOf(this.#work, sandbox))
  }
}
