import { setTimeout as sleep } from 'node:timers/promises'
import { sandboxClaims, sandboxes } from '../../../packages/kubernetes/src/api/index.ts'
import {
  type ApiClient,
  ApiError,
  isAlreadyExists,
  isNotFound,
  mergePatch,
  pods,
  TransportError,
} from '../../../packages/kubernetes/src/controller/index.ts'
import { claim, pretended, sandbox, volumeClaim } from './manifests.ts'
import type { Random } from './random.ts'
import { until } from './until.ts'

export interface LoadOptions {
  readonly client: ApiClient
  readonly namespace: string
  readonly random: Random
  /** Pools that claims are made for. */
  readonly pools: readonly [string, ...string[]]
}

/** As many of each as there are at most. */
const most = 12
const pauseMs = 120
const againMs = 200

/**
 * What users do, at random: claims and Sandboxes created, suspended, resumed and deleted, Pods deleted. It asks the API server itself, past all
 * faults, and repeats what did not get through; so it knows what there is to be when it has ended.
 */
export class Load {
  /** Names of the claims there are to be. */
  readonly claims = new Set<string>()
  /** The Sandboxes without an owner there are to be, and whether they are suspended. */
  readonly sandboxes = new Map<string, 'Running' | 'Suspended'>()
  /** Of the claims, those it does not delete. */
  readonly spared = new Set<string>()
  readonly #options: LoadOptions
  #made = 0
  #steps = 0

  constructor(options: LoadOptions) {
    this.#options = options
  }

  /** One thing after the other, so many or until told to stop. */
  async run(end: AbortSignal | number): Promise<void> {
    const enough = (steps: number) => (typeof end === 'number' ? steps >= end : end.aborted)
    for (let steps = 0; !enough(steps); steps++) {
      await this.step()
      this.#steps += 1
      await sleep(pauseMs)
    }
  }

  /** Resolves when it has done so many more things. */
  async progress(steps: number): Promise<void> {
    const goal = this.#steps + steps
    await until('the load goes on', () => this.#steps >= goal)
  }

  async step(): Promise<void> {
    const { random } = this.#options
    const crowded = (size: number) => random.next() * most < size
    switch (random.pick(['claim', 'claim', 'sandbox', 'mode', 'mode', 'pod'])) {
      case 'claim':
        return crowded(this.claims.size - this.spared.size) ? this.#deleteClaim() : this.#createClaim()
      case 'sandbox':
        return crowded(this.sandboxes.size) ? this.#deleteSandbox() : this.#createSandbox()
      case 'mode':
        return this.#changeMode()
      default:
        return this.#deletePod()
    }
  }

  async #createClaim(): Promise<void> {
    const { client, namespace, random, pools } = this.#options
    const name = `claim-${++this.#made}`
    // One in four has an environment, which forces a cold start.
    const more = random.chance(0.25) ? { env: [{ name: 'WHO', value: name }] } : {}
    const object = claim(namespace, name, random.pick(pools), more)
    await insist(() => client.create(sandboxClaims, object), isAlreadyExists)
    this.claims.add(name)
  }

  async #deleteClaim(): Promise<void> {
    const { client, namespace, random } = this.#options
    const name = random.pick([...this.claims.difference(this.spared)])
    if (!name) return
    this.claims.delete(name)
    await insist(() => client.delete(sandboxClaims, { namespace, name }), isNotFound)
  }

  async #createSandbox(): Promise<void> {
    const { client, namespace, random } = this.#options
    const name = `sandbox-${++this.#made}`
    const volumes = random.chance(0.25) ? { volumeClaimTemplates: [volumeClaim('data')] } : {}
    const object = sandbox(namespace, name, pretended, { service: random.chance(0.5), ...volumes })
    await insist(() => client.create(sandboxes, object), isAlreadyExists)
    this.sandboxes.set(name, 'Running')
  }

  async #deleteSandbox(): Promise<void> {
    const { client, namespace, random } = this.#options
    const name = random.pick([...this.sandboxes.keys()])
    if (!name) return
    this.sandboxes.delete(name)
    await insist(() => client.delete(sandboxes, { namespace, name }), isNotFound)
  }

  async #changeMode(): Promise<void> {
    const { client, namespace, random } = this.#options
    const name = random.pick([...this.sandboxes.keys()])
    if (!name) return
    const operatingMode = this.sandboxes.get(name) === 'Running' ? 'Suspended' : 'Running'
    this.sandboxes.set(name, operatingMode)
    await insist(() => client.patch(sandboxes, { namespace, name }, mergePatch({ spec: { operatingMode } })))
  }

  /** Of anything: as an eviction, or a hand that slipped. */
  async #deletePod(): Promise<void> {
    const { client, namespace, random } = this.#options
    const { items } = await insist(() => client.list(pods, { namespace }))
    const pod = random.pick(items)
    if (pod) await insist(() => client.delete(pods, pod.metadata), isNotFound)
  }
}

/** Until the API server has said yes, or what means that an earlier try has got through. */
async function insist<T>(call: () => Promise<T>, done: (error: unknown) => boolean = () => false): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (done(error)) return undefined as T
      const away = error instanceof TransportError || (error instanceof ApiError && error.code >= 429)
      if (!away) throw error
      await sleep(againMs)
    }
  }
}
