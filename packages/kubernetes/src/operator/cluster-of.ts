import { failure } from '@bulkhead/wire'
import { type Clock, type ClusterAccess, inClusterAccess, isInCluster, kubeconfigAccess } from '../controller/index.ts'

export interface ClusterOfOptions {
  /** Undefined: the Pod's own service account, or else what kubectl would use. */
  readonly kubeconfig: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
}

/** The way to the API server. Fails `cluster_config_invalid`. */
export async function clusterOf({ kubeconfig, env, clock }: ClusterOfOptions): Promise<ClusterAccess> {
  if (kubeconfig === undefined && isInCluster(env)) return await inClusterAccess({ env, clock })
  try {
    return await kubeconfigAccess({ clock, ...(kubeconfig !== undefined && { file: kubeconfig }) })
  } catch (cause) {
    // The image's bundle leaves the library that reads them out (tools/operator/bundle.ts).
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    const problem = 'this build reads no kubeconfig: it runs in a Pod, by its service account'
    throw failure('cluster_config_invalid', { source: kubeconfig ?? 'the kubeconfig', problem }, { cause })
  }
}
