import { mkdir } from 'node:fs/promises'
import type { KernelSpec, RunningKernel } from '@bulkhead/kernel'
import { removeTree } from '@bulkhead/kernel/remove-tree'
import { newId } from '@bulkhead/sandbox'
import { isFailure } from '@bulkhead/wire'
import type { BootSlots } from './boot-slots.ts'
import type { Capacity } from './capacity.ts'
import type { Logger } from './config.ts'
import type { Lifecycle, Started } from './lifecycle.ts'
import type { Runtimes } from './runtimes.ts'
import type { Shape } from './shape.ts'
import type { Templates } from './templates.ts'

/** `foreground`: a caller waits for it. `background`: made in advance, only from what nobody else needs. */
export type Urgency = 'foreground' | 'background'

/** Twice from one template, once from the one made in its place. */
const cloneAttempts = 3

const MiB = 1024 * 1024
const spareInBackground = { memoryBytes: 512 * MiB, diskBytes: 1024 * MiB }
const noSpare = { memoryBytes: 0, diskBytes: 0 }

export interface StarterOptions {
  readonly runtimes: Runtimes
  readonly templates: Templates
  readonly slots: BootSlots
  readonly capacity: Capacity
  /** Called when there is no room: frees what was made in advance. Returns whether it freed anything. */
  readonly giveWay: () => Promise<boolean>
  readonly log: Logger
}

/** Starts a kernel the quickest way its runtime has: as a clone where that pays, else cold. Waits for its turn and for room. */
export class Starter {
  readonly #options: StarterOptions
  /** Templates whose last clone failed for a reason that need not be theirs. */
  readonly #doubted = new Set<string>()

  constructor(options: StarterOptions) {
    this.#options = options
  }

  async start(shape: Shape, urgency: Urgency, spec: KernelSpec, signal: AbortSignal): Promise<Started> {
    const runtime = await this.#options.runtimes.get(shape.runtime)
    if (!runtime.cloningPays) {
      const kernel = await this.boot(shape, urgency, spec, signal)
      return { kernel, origin: 'boot', template: undefined }
    }
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#clone(shape, urgency, spec, signal)
      } catch (error) {
        if (!(error instanceof CloneFailed)) throw error
        // What fails from a template that is new, too, is not the template's fault.
        if (attempt === cloneAttempts) throw error.cause
        this.#options.log.warn({ templateId: error.templateId, attempt, err: error.cause }, 'template.clone')
      }
      await emptyFolder(spec.stateDirectory)
    }
  }

  /** A cold boot. */
  async boot(shape: Shape, urgency: Urgency, spec: KernelSpec, signal: AbortSignal): Promise<RunningKernel> {
    const runtime = await this.#options.runtimes.get(shape.runtime)
    using _slot = await this.#options.slots.acquire(urgency, signal)
    await this.#room(shape, urgency)
    return await runtime.boot(spec, signal)
  }

  async #clone(shape: Shape, urgency: Urgency, spec: KernelSpec, signal: AbortSignal): Promise<Started> {
    const { runtimes, templates, slots } = this.#options
    const runtime = await runtimes.get(shape.runtime)
    using template = await templates.lease(shape, signal)
    using _slot = await slots.acquire(urgency, signal)
    await this.#room(shape, urgency)
    try {
      const kernel = await runtime.restore(template.snapshot, spec, signal)
      this.#doubted.delete(template.id)
      return { kernel, origin: 'clone', template: template.id }
    } catch (error) {
      signal.throwIfAborted()
      if (isFailure(error, 'disk_full') || isFailure(error, 'capacity_exhausted')) throw error
      // A host too busy for one clone in time is no fault of the template, and a worse moment to make a new one.
      if (isFailure(error, 'snapshot_unusable') || this.#doubted.delete(template.id)) templates.retire(template.id)
      else this.#doubted.add(template.id)
      throw new CloneFailed(template.id, error)
    }
  }

  async #room(shape: Shape, urgency: Urgency): Promise<void> {
    const { capacity, giveWay } = this.#options
    if (urgency === 'background') return await capacity.check(shape, spareInBackground)
    try {
      await capacity.check(shape, noSpare)
    } catch (error) {
      if (!isFailure(error) || !(await giveWay())) throw error
      await capacity.check(shape, noSpare)
    }
  }
}

/** Never leaves this file. */
class CloneFailed extends Error {
  override readonly name = 'CloneFailed'
  readonly templateId: string

  constructor(templateId: string, cause: unknown) {
    super(`no clone of ${templateId} could be made`, { cause })
    this.templateId = templateId
  }
}

async function emptyFolder(path: string): Promise<void> {
  await removeTree(path)
  await mkdir(path, { mode: 0o700 })
}

/** Boots a kernel of this shape without anything of a caller's, freezes it and ends it: how a template is made. */
export async function freeze(lifecycle: Lifecycle, starter: Starter, shape: Shape, into: string, signal: AbortSignal) {
  const id = newId('tb')
  const row = await lifecycle.make(
    {
      id,
      role: 'template',
      shape,
      terms: { image: shape.image.digest, metadata: {}, deadlineAt: undefined },
      env: {},
      start: async (spec, signal) => ({
        kernel: await starter.boot(shape, 'foreground', spec, signal),
        origin: 'boot',
        template: undefined,
      }),
    },
    signal
  )
  try {
    const kernel = lifecycle.kernel(row.id)
    if (!kernel) throw new Error(`the kernel of ${row.id} ended before it could be frozen`)
    await kernel.warmUp(signal)
    return await lifecycle.inTurn(row.id, () => kernel.snapshot(into, signal))
  } finally {
    await lifecycle.end(row.id, undefined)
  }
}
