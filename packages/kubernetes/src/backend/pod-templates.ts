import { type SandboxTemplate, type SandboxWarmPool, sandboxTemplates, sandboxWarmPools } from '../api/index.ts'
import {
  type ApiClient,
  isAlreadyExists,
  isConflict,
  isNotFound,
  mergePatch,
  type Stored,
} from '../controller/index.ts'
import { buildPool, buildTemplate, fingerprintOf, type TemplateSettings } from './build-template.ts'
import { key, oursSelector } from './keys.ts'
import type { Shape } from './shape.ts'

/** Templates and pools, made when a shape is first asked for. They stay, as images do on one machine, until they are pruned. */
export class PodTemplates {
  readonly #client: ApiClient
  readonly #settings: TemplateSettings
  readonly #ensured = new Map<string, Promise<void>>()

  constructor(client: ApiClient, settings: TemplateSettings) {
    this.#client = client
    this.#settings = settings
  }

  get fingerprint(): readonly unknown[] {
    return fingerprintOf(this.#settings)
  }

  /** Resolves when both are there. Callers at the same time share the work; it goes on when one of them leaves. */
  ensure(shape: Shape): Promise<void> {
    const known = this.#ensured.get(shape.name)
    if (known) return known
    const making = this.#make(shape)
    this.#ensured.set(shape.name, making)
    making.catch(() => this.#ensured.delete(shape.name))
    return making
  }

  /** Somebody has removed them. */
  forget(name: string): void {
    this.#ensured.delete(name)
  }

  async list(): Promise<readonly Stored<SandboxTemplate>[]> {
    const { namespace } = this.#settings
    return (await this.#client.list(sandboxTemplates, { namespace, labelSelector: oursSelector })).items
  }

  /** Members of the pool that nobody has claimed go; what was claimed stays. */
  async remove(name: string): Promise<void> {
    const { namespace } = this.#settings
    this.forget(name)
    for (const type of [sandboxWarmPools, sandboxTemplates] as const) {
      await this.#client.delete<SandboxTemplate | SandboxWarmPool>(type, { namespace, name }).catch((error) => {
        if (!isNotFound(error)) throw error
      })
    }
  }

  async #make(shape: Shape): Promise<void> {
    const pool = buildPool(shape, this.#settings)
    await this.#client.create(sandboxTemplates, buildTemplate(shape, this.#settings)).catch(ignoreExisting)
    const made = await this.#client.create(sandboxWarmPools, pool).catch(ignoreExisting)
    if (made) return
    // An earlier server may have kept another number ready.
    const { namespace, poolSize } = this.#settings
    await this.#client.patch(
      sandboxWarmPools,
      { namespace, name: shape.name },
      mergePatch({ spec: { replicas: poolSize } })
    )
  }
}

/** Its name says all that is in it. */
function ignoreExisting(error: unknown): undefined {
  if (!isAlreadyExists(error) && !isConflict(error)) throw error
}

export const imageOf = ({ metadata }: Stored<SandboxTemplate>): string => metadata.annotations?.[key.image] ?? ''
