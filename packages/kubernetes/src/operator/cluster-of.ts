import { type Clock, type ClusterAccess, inClusterAccess, isInCluster, kubeconfigAccess } from '../controller/index.ts'

export interface ClusterOfOptions {
  /** Undefined: the Pod's own service account, or else what kubectl would use. */
  readonly kubeconfig: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
}

/** The way to the API server. Fails `cluster_config_invalid`. */
export function clusterOf({ kubeconfig, env, clock }: ClusterOfOptions): Promise<ClusterAccess> {
  if (kubeconfig === undefined && isInCluster(env)) return inClusterAccess({ env, clock })
  return kubeconfigAccess({ clock, ...(kubeconfig !== undefined && { file: kubeconfig }) })
}
