import { clusterId } from '../../../tools/cluster/plan.ts'
import { findProgramOf, type MarkedProcess, markedProcesses } from '../../../tools/cluster/processes.ts'
import type { TestCluster } from '../../../tools/cluster/test-cluster.ts'

/** Path, on the host, of the root folder of a cluster's node: of what the node has mounted, its own /run and /proc among them. */
export function nodeRoot({ folder }: TestCluster, node: string): string {
  return `/proc/${nodeProcess(folder, node, 'kubelet').pid}/root`
}

/** The process of a node's own program; `folder`: the cluster's. */
export function nodeProcess(folder: string, node: string, program: 'containerd' | 'kubelet'): MarkedProcess {
  const found = findProgramOf(markedProcesses(clusterId(folder)), `${node}/${program}`, program)
  if (!found) throw new Error(`no ${program} runs on ${node}`)
  return found
}
