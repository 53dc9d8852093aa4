import type { IsolationPolicy } from '../api/index.ts'
import type { Informer, Namespace, Node, RuntimeClass } from '../controller/index.ts'
import { type Placing, type Planned, ShardPlanner, shardWorld } from '../domains/index.ts'
import { boundsPlaces, failureDomainsOf } from '../isolation/index.ts'
import type { CoreCaches } from './operator-context.ts'

/** What is known of the cluster where IsolationPolicies are kept. */
export interface IsolationCaches {
  readonly policies: Informer<IsolationPolicy>
  readonly namespaces: Informer<Namespace>
  /** Labels and `spec`. */
  readonly nodes: Informer<Node>
  readonly runtimeClasses: Informer<RuntimeClass>
}

export interface PlacementPlanner extends Disposable {
  /** Where a Pod may run, by the policies as they are now. */
  plan(placing: Placing): Planned
}

/** Failure domains as IsolationPolicies ask for them, for the Pods of Sandboxes. */
export function placementPlanner(
  { policies, namespaces, nodes, runtimeClasses }: IsolationCaches,
  pods: CoreCaches['pods'],
  operatorNamespace: string
): PlacementPlanner {
  const stores = { nodes: nodes.store, namespaces: namespaces.store, runtimeClasses: runtimeClasses.store }
  const planner = new ShardPlanner(shardWorld({ ...stores, pods: pods.store }))
  const watching = nodes.onChange((change) => planner.noteNode(change))
  return {
    plan(placing) {
      const all = policies.store.list()
      if (!all.some(boundsPlaces)) return { kind: 'anywhere' }
      const namespace = namespaces.store.get(placing.namespace)
      if (!namespace) return { kind: 'nowhere', why: `the namespace ${placing.namespace} is not known yet` }
      const labels = { pod: placing.labels, namespace: namespace.metadata.labels ?? {} }
      const found = failureDomainsOf(all, labels, operatorNamespace)
      return found.kind === 'found' ? planner.plan(placing, found.domains) : { kind: 'nowhere', why: found.why }
    },
    [Symbol.dispose]: () => watching[Symbol.dispose](),
  }
}
