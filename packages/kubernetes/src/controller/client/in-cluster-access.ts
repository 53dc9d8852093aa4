import { readFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import path from 'node:path'
import { failure } from '@bulkhead/wire'
import type { Clock } from '../clock.ts'
import type { ClusterAccess } from './cluster-access.ts'

/** Where the kubelet mounts a Pod's service account. */
const defaultFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

/** The kubelet renews the token on disk well before it ends; client-go reads it again after a minute, too. */
const tokenMaxAgeMs = 60_000

export interface InClusterOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly folder?: string
}

/** Whether this process runs in a Pod. */
export const isInCluster = (env: InClusterOptions['env']): boolean =>
  Boolean(env.KUBERNETES_SERVICE_HOST && env.KUBERNETES_SERVICE_PORT)

/**
 * The Pod's own service account. Written here, and not taken from `@kubernetes/client-node`, because it is three files and two variables, and
 * loading that library costs an operator 90 MB of memory and most of a second. Fails `cluster_config_invalid`.
 */
export async function inClusterAccess({
  env,
  clock,
  folder = defaultFolder,
}: InClusterOptions): Promise<ClusterAccess> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env
  if (!host || !port) {
    const problem = 'KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set'
    throw failure('cluster_config_invalid', { source: 'the Pod’s service account', problem })
  }
  const read = async (name: string) => {
    try {
      return (await readFile(path.join(folder, name), 'utf8')).trim()
    } catch (cause) {
      const problem = cause instanceof Error ? cause.message : String(cause)
      throw failure('cluster_config_invalid', { source: folder, problem }, { cause })
    }
  }
  let token: { readonly text: Promise<string>; readonly atMs: number } | undefined
  const currentToken = () => {
    if (!token || clock.now() - token.atMs > tokenMaxAgeMs) {
      const fresh = { text: read('token'), atMs: clock.now() }
      token = fresh
      // What could not be read is not kept: the next request tries again.
      fresh.text.catch(() => {
        if (token === fresh) token = undefined
      })
    }
    return token.text
  }
  const [namespace] = await Promise.all([read('namespace'), read('ca.crt'), currentToken()])
  return {
    server: new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`),
    namespace,
    tls: async () => ({ ca: await read('ca.crt') }),
    headers: async () => ({ authorization: `Bearer ${await currentToken()}` }),
    refresh: () => {
      token = undefined
    },
  }
}
