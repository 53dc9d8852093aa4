import type { Images } from '@bulkhead/sandbox'
import { hasEnded } from '@bulkhead/sandbox'
import { CreateSandbox, failure, type Image, type ImageProgress, isFailure } from '@bulkhead/wire'
import type { SandboxTemplate } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import type { ClusterView } from './cluster-view.ts'
import type { Creation } from './creation.ts'
import { guard } from './guard.ts'
import { type ImageNames, podImage } from './image-reference.ts'
import { imageOf, type PodTemplates } from './pod-templates.ts'
import { recordOf } from './sandbox-record.ts'
import { stateOf } from './to-sandbox.ts'

export interface PodImagesParts {
  readonly view: ClusterView
  readonly templates: PodTemplates
  readonly creation: Creation
  readonly names: ImageNames
  readonly remove: (id: string) => Promise<void>
  readonly wall: () => number
}

/**
 * Images are the registry's, and nodes keep them as they like. What is here is which were used: those that templates name. An image is `pulled` by a
 * sandbox that is started from it and removed again: by the nodes, with the cluster's own credentials, and so that the next one starts from it.
 */
export class PodImages implements Images {
  readonly #parts: PodImagesParts

  constructor(parts: PodImagesParts) {
    this.#parts = parts
  }

  list(): Promise<Image[]> {
    return guard('list the images', () => this.#list())
  }

  pull(reference: string, progress: (event: ImageProgress) => void, signal: AbortSignal): Promise<Image> {
    return guard('pull an image', () => this.#pull(reference, progress, signal), signal)
  }

  remove(name: string): Promise<Image> {
    return guard('remove an image', () => this.#remove(name))
  }

  prune(): Promise<Image[]> {
    return guard('prune the images', () => this.#prune())
  }

  async #list(): Promise<Image[]> {
    return [...(await this.#byReference())].map(([reference, templates]) => this.#image(reference, templates))
  }

  async #pull(reference: string, progress: (event: ImageProgress) => void, signal: AbortSignal): Promise<Image> {
    const { creation, remove, names } = this.#parts
    const image = podImage(reference, names)
    progress({ step: `a node of the cluster starts a sandbox from ${image}` })
    const { id, imageDigest } = await creation.create(
      CreateSandbox.parse({ image: reference, isolation: 'userspace' }),
      signal
    )
    await remove(id)
    const templates = (await this.#byReference()).get(image) ?? []
    return { ...this.#image(image, templates), digest: imageDigest }
  }

  async #remove(name: string): Promise<Image> {
    if (name === '') throw failure('image_not_found', { name })
    const all = await this.#byReference()
    const found = [...all].map(([reference, templates]) => ({ image: this.#image(reference, templates), templates }))
    const one = found.find(
      ({ image }) => image.names.includes(name) || image.names.includes(this.#reference(name)) || image.digest === name
    )
    if (!one) throw failure('image_not_found', { name })
    if (one.image.inUse) throw failure('image_in_use', { name, digest: one.image.digest })
    for (const template of one.templates) await this.#parts.templates.remove(template.metadata.name)
    return one.image
  }

  async #prune(): Promise<Image[]> {
    const gone: Image[] = []
    for (const [reference, templates] of await this.#byReference()) {
      const image = this.#image(reference, templates)
      if (image.inUse) continue
      for (const template of templates) await this.#parts.templates.remove(template.metadata.name)
      gone.push(image)
    }
    return gone
  }

  /** What Pods call an image of this name; a digest or nonsense is no name of any. */
  #reference(name: string): string {
    try {
      return podImage(name, this.#parts.names)
    } catch (error) {
      if (isFailure(error, 'image_reference_invalid')) return ''
      throw error
    }
  }

  async #byReference(): Promise<Map<string, Stored<SandboxTemplate>[]>> {
    return Map.groupBy(await this.#parts.templates.list(), imageOf)
  }

  #image(reference: string, templates: readonly Stored<SandboxTemplate>[]): Image {
    const { view, names, wall } = this.#parts
    const pools = new Set(templates.map(({ metadata }) => metadata.name))
    const users = view.all().filter(({ claim }) => pools.has(claim.spec.warmPoolRef.name))
    const digests = users.map(({ claim }) => recordOf(claim)?.imageDigest).filter(Boolean)
    const inUse = users.some(({ claim, pod }) => {
      const record = recordOf(claim)
      return record !== undefined && !hasEnded(stateOf(claim, record, pod, wall()).state)
    })
    return {
      // Known from the last sandbox that ran from it.
      digest: digests.at(-1) ?? '',
      names: [reference, ...(reference === names.defaultImage ? ['default'] : [])],
      // The nodes know.
      sizeBytes: 0,
      createdAt:
        templates.map(({ metadata }) => metadata.creationTimestamp).sort()[0] ?? new Date(wall()).toISOString(),
      inUse,
    }
  }
}
