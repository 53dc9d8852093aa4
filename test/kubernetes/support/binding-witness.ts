import {
  type Sandbox,
  type SandboxClaim,
  type SandboxWarmPool,
  sandboxClaims,
  sandboxes,
  sandboxWarmPools,
} from '../../../packages/kubernetes/src/api/index.ts'
import {
  type ApiClient,
  type Change,
  controllerOf,
  findCondition,
  Informer,
  type KubernetesObject,
  type ResourceType,
  type Stored,
  systemClock,
} from '../../../packages/kubernetes/src/controller/index.ts'

/**
 * Watches a namespace, past all faults, for what must never be, not even for a moment, and cannot be seen any more when it is over: a Sandbox that
 * passes from claim to claim, two claims with one Sandbox, a claim that has been Ready and leaves a Sandbox which is there, a pool with too many members.
 */
export class BindingWitness implements AsyncDisposable {
  readonly #violations = new Set<string>()
  readonly #client: ApiClient
  readonly #namespace: string
  readonly #sandboxes: Informer<Sandbox>
  readonly #claims: Informer<SandboxClaim>
  readonly #pools: Informer<SandboxWarmPool>
  readonly #looking = new Set<Promise<void>>()

  private constructor(client: ApiClient, namespace: string) {
    this.#client = client
    this.#namespace = namespace
    const common = { client, namespace, clock: systemClock, backoff: { baseMs: 50, maxMs: 500 } }
    this.#sandboxes = new Informer({ ...common, type: sandboxes })
    this.#claims = new Informer({ ...common, type: sandboxClaims })
    this.#pools = new Informer({ ...common, type: sandboxWarmPools })
    this.#sandboxes.onChange((change) => this.#sandboxChanged(change))
    this.#claims.onChange((change) => this.#claimChanged(change))
  }

  static async start(client: ApiClient, namespace: string): Promise<BindingWitness> {
    const witness = new BindingWitness(client, namespace)
    const informers = [witness.#pools, witness.#claims, witness.#sandboxes]
    for (const informer of informers) informer.start()
    await Promise.all(informers.map(({ synced }) => synced))
    return witness
  }

  /** What was seen until now. */
  async violations(): Promise<readonly string[]> {
    await Promise.all(this.#looking)
    return [...this.#violations]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#looking)
    await Promise.all([this.#sandboxes, this.#claims, this.#pools].map((one) => one[Symbol.asyncDispose]()))
  }

  #sandboxChanged({ type, object, old }: Change<Sandbox>): void {
    const now = controllerOf(object)
    const before = old && controllerOf(old)
    if (before?.kind === 'SandboxClaim' && before.uid !== now?.uid)
      this.#violations.add(`Sandbox ${object.metadata.name} passed from ${before.name} to ${now?.name ?? 'nobody'}`)
    if (type !== 'added' || now?.kind !== 'SandboxWarmPool') return
    const pool = this.#pools.store.list().find(({ metadata }) => metadata.uid === now.uid)
    const replicas: unknown = pool?.spec?.replicas
    if (typeof replicas !== 'number') return
    const excess = (all: readonly Stored<Sandbox>[]) => {
      const members = all.filter((one) => isAlive(one) && controllerOf(one)?.uid === now.uid).length
      return members > replicas ? `pool ${now.name} had ${members} members, and wants ${replicas}` : undefined
    }
    this.#suspect(sandboxes, this.#sandboxes.store.list(), object, excess)
  }

  #claimChanged({ type, object, old }: Change<SandboxClaim>): void {
    if (type === 'deleted') return
    const [now, before] = [sandboxOf(object), old && sandboxOf(old)]
    const { name } = object.metadata
    if (before && before !== now && findCondition(old?.status?.conditions, 'Ready')?.status === 'True') {
      const left = (all: readonly Stored<Sandbox>[]) =>
        all.some((one) => isAlive(one) && one.metadata.name === before)
          ? `claim ${name} was Ready and left ${before}, which is there, for ${now ?? 'nothing'}`
          : undefined
      this.#suspect(sandboxes, this.#sandboxes.store.list(), object, left)
    }
    if (!now) return
    const shared = (all: readonly Stored<SandboxClaim>[]) => {
      const takers = all.filter((one) => isAlive(one) && sandboxOf(one) === now)
      return takers.length > 1
        ? `Sandbox ${now} was bound to ${takers.map((one) => one.metadata.name).join()}`
        : undefined
    }
    this.#suspect(sandboxClaims, this.#claims.store.list(), object, shared)
  }

  /** What the caches show may never have been: they are of several moments, most of all after a cut. The API server knows how it was at that version. */
  #suspect<T extends KubernetesObject>(
    type: ResourceType<T>,
    cached: readonly Stored<T>[],
    at: Stored,
    judge: (all: readonly Stored<T>[]) => string | undefined
  ): void {
    if (!judge(cached)) return
    const options = { namespace: this.#namespace, resourceVersion: at.metadata.resourceVersion }
    const looking = this.#client
      .list(type, { ...options, resourceVersionMatch: 'Exact' })
      .then(({ items }) => {
        const violation = judge(items)
        if (violation) this.#violations.add(violation)
      })
      .catch(() => {}) // away, or forgotten: not proven
    this.#looking.add(looking)
    void looking.finally(() => this.#looking.delete(looking))
  }
}

const isAlive = ({ metadata }: Stored): boolean => !metadata.deletionTimestamp

/** Also of claims whose status is of no shape. */
function sandboxOf({ status }: Stored<SandboxClaim>): string | undefined {
  const name: unknown = status?.sandbox?.name
  return typeof name === 'string' ? name : undefined
}
