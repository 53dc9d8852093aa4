import { type IsolationPolicy, isolationPolicies } from '../api/index.ts'
import {
  type ApiClient,
  controllerReference,
  type EventRecorder,
  type Informer,
  isNotFound,
  refersTo,
  type Stored,
} from '../controller/index.ts'
import type { AdmissionObject } from './admission-resources.ts'
import type { Compiled } from './compile-isolation-policy.ts'
import { type CompiledKind, type CompiledObject, compiledNames } from './compiled-object.ts'
import type { IsolationMetrics, RepairCause } from './isolation-metrics.ts'
import { planObject } from './plan-object.ts'

/** Reason of the Warning event about a policy, a part of which somebody has deleted or changed. */
export const enforcementRepaired = 'EnforcementRepaired'

export type AdmissionCaches = ReadonlyMap<CompiledKind, Informer<AdmissionObject>>

export interface CompiledKeeperOptions {
  readonly client: ApiClient
  /** One for each kind that the API server serves. */
  readonly caches: AdmissionCaches
  readonly recorder: Pick<EventRecorder, 'record'>
  readonly metrics: IsolationMetrics
}

/** Keeps the objects that enforce policies as they were compiled, and tells of each that somebody else has touched. */
export class CompiledKeeper {
  readonly #options: CompiledKeeperOptions
  /** What the API server made of an object, by what the policy was compiled to. See `ObjectState.accepted`. */
  readonly #accepted = new Map<string, { readonly hash: string; readonly spec: object }>()

  constructor(options: CompiledKeeperOptions) {
    this.#options = options
  }

  /** Fails as the API server does; what was written until then stays. */
  async keep(policy: Stored<IsolationPolicy>, compiled: Compiled, signal: AbortSignal): Promise<void> {
    for (const object of compiled.objects) {
      const cause = await this.#write(policy, object, compiled.hash, signal)
      // Of what has been in place as a whole, nothing changes by itself.
      if (cause && policy.status?.compiled?.hash === compiled.hash) this.#report(policy, object, cause)
    }
    await this.removeOthers(policy.metadata.name, compiled.objects, signal)
  }

  /** Removes what a policy of this name was compiled to, without `wanted`. */
  async removeOthers(policy: string, wanted: readonly CompiledObject[], signal: AbortSignal): Promise<void> {
    const kept = new Set(wanted.map(keyOf))
    for (const [kind, { store, type }] of this.#options.caches)
      for (const name of compiledNames(policy)) {
        const object = store.get(name)
        if (!object || object.metadata.deletionTimestamp || kept.has(keyOf({ kind, name })) || !isOurs(object)) continue
        const preconditions = { uid: object.metadata.uid }
        await this.#options.client.delete(type, object.metadata, { signal, preconditions }).catch((error) => {
          if (!isNotFound(error)) throw error
        })
        store.deleted(object)
        this.#accepted.delete(keyOf({ kind, name }))
      }
  }

  /** Returns why it had to be written; undefined: it was as it must be. */
  async #write(
    policy: Stored<IsolationPolicy>,
    { kind, name, spec }: CompiledObject,
    hash: string,
    signal: AbortSignal
  ): Promise<RepairCause | undefined> {
    const { client, caches } = this.#options
    const cache = caches.get(kind)
    if (!cache) throw new TypeError(`${kind} is compiled to, and not served`)
    const { store, type } = cache
    const key = keyOf({ kind, name })
    const current = store.get(name)
    const known = this.#accepted.get(key)
    const plan = planObject({
      name,
      policy: policy.metadata.name,
      owner: controllerReference(isolationPolicies, policy),
      wanted: spec,
      current,
      accepted: known?.hash === hash ? known.spec : undefined,
    })
    if (plan.kind === 'nothing') return undefined
    const written =
      plan.kind === 'create'
        ? await client.create(type, plan.object, { signal })
        : await client.replace(type, plan.object, { signal })
    store.wrote(written)
    // As the cache shows it: that is what will be compared.
    this.#accepted.set(key, { hash, spec: written.spec })
    if (plan.kind === 'create') return 'deleted'
    return written.metadata.resourceVersion === current?.metadata.resourceVersion ? undefined : 'changed'
  }

  #report(policy: Stored<IsolationPolicy>, { kind, name }: CompiledObject, cause: RepairCause): void {
    const { recorder, metrics } = this.#options
    metrics.repaired(policy.metadata.name, kind, cause)
    const note = `${kind} "${name}" was ${cause} by somebody else, and is as it must be again; the API server's audit log has who it was. Pods created in between were not judged: delete those that do not comply`
    recorder.record(policy, { type: 'Warning', reason: enforcementRepaired, action: 'Repair', note })
  }
}

const keyOf = ({ kind, name }: Pick<CompiledObject, 'kind' | 'name'>): string => `${kind}/${name}`

/** What was put under one of our names by somebody else is not ours to remove; where a policy needs the name, it gives way. */
const isOurs = ({ metadata }: Stored<AdmissionObject>): boolean =>
  metadata.ownerReferences?.some((owner) => refersTo(owner, isolationPolicies)) === true ||
  metadata.labels?.['bulkhead.dev/isolation-policy'] !== undefined
