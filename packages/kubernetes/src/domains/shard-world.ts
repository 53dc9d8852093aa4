import type { Namespace, Node, RuntimeClass, Store, Stored } from '../controller/index.ts'
import type { ShardWorld } from './shard-planner.ts'

/** What {@link ShardPlanner} is told of, from caches. Of a Node, labels and `spec` are enough. */
export interface ShardStores {
  readonly nodes: Store<Node>
  readonly namespaces: Store<Namespace>
  readonly runtimeClasses: Store<RuntimeClass>
  /** Of Pods of Sandboxes, with an index by `nodesOfPod`. */
  readonly pods: { by(index: 'node', node: string): readonly Stored[] }
}

export const shardWorld = ({ nodes, namespaces, runtimeClasses, pods }: ShardStores): ShardWorld => ({
  nodes,
  runtimeClass: (name) => runtimeClasses.get(name),
  uidOf: (namespace) => namespaces.get(namespace)?.metadata.uid,
  tenantsOn: (node) => pods.by('node', node).map(({ metadata: { namespace = '' } }) => namespace),
})
