import { setTimeout as sleep } from 'node:timers/promises'
import {
  type PodTemplate,
  type SandboxClaim,
  sandboxClaims,
  sandboxTemplates,
  sandboxWarmPools,
} from '../../../packages/kubernetes/src/api/index.ts'
import {
  type ApiClient,
  isNotFound,
  type KubernetesObject,
  namespaces,
  type ResourceType,
  type Stored,
} from '../../../packages/kubernetes/src/controller/index.ts'
import { BindingWitness } from './binding-witness.ts'
import { type Expected, findProblems } from './find-problems.ts'
import { Load } from './load.ts'
import { claim, isolated, pool, pretended, template } from './manifests.ts'
import { Random } from './random.ts'
import { takeSnapshot, versionsIn } from './snapshot.ts'

/** For all that is under way to come to its end: pods of real nodes, back-offs, what was lost with a connection. */
const settleDeadlineMs = 150_000
const lookEveryMs = 1_000

/** Names of the pools, and of their templates. */
export const pools = { pretended: 'pretended', isolated: 'isolated' } as const

export interface ArenaOptions {
  readonly client: ApiClient
  readonly namespace: string
  readonly seed: number
  /** Members of each pool; 0 for none. */
  readonly warm: Readonly<Record<keyof typeof pools, number>>
}

/** A namespace in which one fault is tried: with a template and a pool of pods that kwok plays, and another of gVisor pods. */
export class Arena implements AsyncDisposable {
  readonly client: ApiClient
  readonly namespace: string
  readonly random: Random
  readonly load: Load
  readonly #witness: BindingWitness
  readonly #foreign: Foreign[] = []

  private constructor({ client, namespace, seed }: ArenaOptions, witness: BindingWitness) {
    this.client = client
    this.namespace = namespace
    this.random = new Random(seed)
    this.load = new Load({ client, namespace, random: this.random, pools: [pools.pretended] })
    this.#witness = witness
  }

  static async open(options: ArenaOptions): Promise<Arena> {
    const { client, namespace, warm } = options
    await client.create(namespaces, { metadata: { name: namespace } })
    const templates: Readonly<Record<keyof typeof pools, PodTemplate>> = { pretended, isolated }
    for (const name of Object.values(pools)) {
      await client.create(
        sandboxTemplates,
        template(namespace, name, templates[name], { envVarsInjectionPolicy: 'Allowed' })
      )
      await client.create(sandboxWarmPools, pool(namespace, name, warm[name]))
    }
    return new Arena(options, await BindingWitness.start(client, namespace))
  }

  /** A claim that the load leaves alone until the end. */
  async claim(name: string, pool: string, more: Partial<SandboxClaim['spec']> = {}): Promise<void> {
    await this.client.create(sandboxClaims, claim(this.namespace, name, pool, more))
    this.load.claims.add(name)
    this.load.spared.add(name)
  }

  /** Creates what belongs to somebody else: from now on nobody but the API server may change it. */
  async plant<T extends KubernetesObject>(type: ResourceType<T>, object: T): Promise<Stored<T>> {
    const planted = await this.client.create(type, object)
    this.#foreign.push({ type, planted })
    return planted
  }

  /** Removes it again, as its owner would. */
  async uproot(planted: Stored): Promise<void> {
    const at = this.#foreign.findIndex((one) => one.planted === planted)
    const [{ type }] = this.#foreign.splice(at, 1) as [Foreign]
    await this.client.delete(type, planted.metadata)
  }

  /**
   * Waits until the namespace is as it should be and nothing is written any more. Fails with everything that is wrong. `expected` goes before what
   * the load knows of.
   */
  async expectNothingLost(expected: Expected = {}): Promise<void> {
    const { claims, sandboxes } = this.load
    const wanted: Expected = { claims, sandboxes: sandboxes.keys().toArray(), ...expected }
    const deadline = performance.now() + settleDeadlineMs
    let before = ''
    for (;;) {
      const snapshot = await takeSnapshot(this.client, this.namespace)
      const problems = findProblems(snapshot, wanted)
      const versions = versionsIn(snapshot)
      const rests = versions === before
      if (rests && problems.length === 0) break
      before = versions
      if (performance.now() > deadline) {
        const restless = rests ? [] : ['it does not come to rest: something is written again and again']
        throw this.#failure([...problems, ...restless])
      }
      await sleep(lookEveryMs)
    }
    const violations = [...(await this.#witness.violations()), ...(await this.findTouched())]
    if (violations.length > 0) throw this.#failure(violations)
  }

  /** The namespace goes when the API server has emptied it, which nobody waits for here. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#witness[Symbol.asyncDispose]()
    await this.client.delete(namespaces, { name: this.namespace }).catch((error) => {
      if (!isNotFound(error)) throw error
    })
  }

  /** What of the planted objects is no longer as it was planted. */
  async findTouched(): Promise<string[]> {
    const touched: string[] = []
    for (const { type, planted } of this.#foreign) {
      const { kind, metadata } = planted
      const now = await this.client.get(type, metadata).catch((error) => {
        if (isNotFound(error)) return undefined
        throw error
      })
      if (!now) touched.push(`somebody else's ${kind} ${metadata.name} is gone`)
      else if (essence(now) !== essence(planted)) touched.push(`somebody else's ${kind} ${metadata.name} was changed`)
    }
    return touched
  }

  #failure(problems: readonly string[]): Error {
    const seed = `BULKHEAD_TEST_SEED=${this.random.seed}`
    return new Error(`${this.namespace} (${seed}):\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
  }
}

interface Foreign {
  readonly type: ResourceType
  readonly planted: Stored
}

/** All of an object but what the cluster itself writes into it: status, and the volume and node that are found for it. */
function essence(object: Stored): string {
  const { spec = {}, metadata } = object as Stored & { readonly spec?: Record<string, unknown> }
  const { volumeName: _, nodeName: __, ...own } = spec
  const { uid, labels = {}, ownerReferences = [], deletionTimestamp } = metadata
  return JSON.stringify([own, uid, labels, ownerReferences, deletionTimestamp])
}
