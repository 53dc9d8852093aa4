import type { RequestOptions } from 'node:https'
import { failure } from '@bulkhead/wire'
import type { Clock } from '../clock.ts'
import type { ClusterAccess, ClusterTls } from './cluster-access.ts'

/** Certificates and tokens may lie in files, and a credential plugin may be asked: not for every request. */
const credentialsMaxAgeMs = 10_000

export interface KubeconfigOptions {
  readonly clock: Clock
  /** Default: as kubectl, the files of KUBECONFIG, then ~/.kube/config. */
  readonly file?: string
  /** Default: the file's current one. */
  readonly context?: string
}

/**
 * A cluster as a kubeconfig describes it: certificates, tokens, basic authentication, credential plugins (exec), OIDC.
 * `@kubernetes/client-node` does all of that; it is loaded here, when it is needed. Fails `cluster_config_invalid`.
 */
export async function kubeconfigAccess({ clock, file, context }: KubeconfigOptions): Promise<ClusterAccess> {
  const source = file ?? 'the kubeconfig'
  const invalid = (problem: string, cause?: unknown) =>
    failure('cluster_config_invalid', { source, problem }, cause === undefined ? {} : { cause })
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  try {
    if (file) config.loadFromFile(file)
    else config.loadFromDefault()
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : String(cause), cause)
  }
  if (context) config.setCurrentContext(context)
  const current = config.getContextObject(config.getCurrentContext())
  const cluster = config.getCurrentCluster()
  if (!current || !cluster) throw invalid(`there is no context "${config.getCurrentContext() ?? ''}" with a cluster`)
  if (cluster.proxyUrl) throw invalid('proxy-url is not supported')
  if (!URL.canParse(cluster.server)) throw invalid(`"${cluster.server}" is not the address of an API server`)

  let kept: { readonly options: Promise<RequestOptions>; readonly atMs: number } | undefined
  const credentials = () => {
    if (!kept || clock.now() - kept.atMs > credentialsMaxAgeMs) {
      const fresh = { options: load(), atMs: clock.now() }
      kept = fresh
      fresh.options.catch(() => {
        if (kept === fresh) kept = undefined
      })
    }
    return kept.options
  }
  const load = async (): Promise<RequestOptions> => {
    const options: RequestOptions = {}
    try {
      await config.applyToHTTPSOptions(options)
    } catch (cause) {
      throw invalid(cause instanceof Error ? cause.message : String(cause), cause)
    }
    return options
  }
  await credentials()
  return {
    server: new URL(cluster.server),
    namespace: current.namespace ?? 'default',
    tls: async () => tlsOf(await credentials()),
    headers: async () => headersOf(await credentials()),
    refresh: () => {
      kept = undefined
    },
  }
}

function tlsOf({ ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }: RequestOptions): ClusterTls {
  const all = { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as ClusterTls
}

function headersOf({ headers = {}, auth }: RequestOptions): Record<string, string> {
  const named = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name.toLowerCase(), String(value)]]
  )
  const basic = auth ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {}
  return { ...basic, ...Object.fromEntries(named) }
}
