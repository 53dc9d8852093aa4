import { clusterId } from '../../../tools/cluster/plan.ts'
import { markedProcesses } from '../../../tools/cluster/processes.ts'
import type { TestCluster } from '../../../tools/cluster/test-cluster.ts'

/** Path, on the host, of the root folder of a cluster's node: of what the node has mounted, its own /run and /proc among them. */
export function nodeRoot({ folder }: TestCluster, node: string): string {
  const containerd = markedProcesses(clusterId(folder)).find(({ part }) => part === `${node}/containerd`)
  if (!containerd) throw new Error(`no containerd runs on ${node}`)
  return `/proc/${containerd.pid}/root`
}
