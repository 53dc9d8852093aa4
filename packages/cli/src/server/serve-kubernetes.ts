import { isIP } from 'node:net'
import { failure } from '@bulkhead/wire/errors'
import { packageVersion } from '../package-version.ts'
import type { Serving } from './serve.ts'

/** As the command line has them; docs/kubernetes/serve.md explains each. */
export interface ServeKubernetesOptions {
  readonly kubeconfig?: string
  readonly context?: string
  readonly namespace?: string
  readonly keyNamespace?: string
  readonly agentImage?: string
  readonly from?: readonly string[]
  readonly pool?: string
  readonly defaultImage?: string
  readonly registry?: string
}

/** The namespace of sandboxes. */
export const defaultSandboxes = 'bulkhead-sandboxes'

const maxPoolSize = 1000
const defaults = {
  namespace: defaultSandboxes,
  keyNamespace: 'agent-sandbox-system',
  defaultImage: 'docker.io/library/debian:bookworm',
} as const

/** Of a domain that is nobody’s, as `kubernetes image` calls it: a node that was not given the image finds it nowhere. */
export const defaultAgentImage = (): string => `bulkhead.test/agent:${packageVersion()}`

/** The sandboxes of a cluster. Fails `invalid_request`. */
export function serveKubernetes(options: ServeKubernetesOptions): Serving {
  const { kubeconfig, context, registry } = options
  const settings = {
    namespace: namespaceOf('--namespace', options.namespace ?? defaults.namespace),
    keyNamespace: namespaceOf('--key-namespace', options.keyNamespace ?? defaults.keyNamespace),
    agentImage: options.agentImage ?? defaultAgentImage(),
    from: (options.from ?? []).map(peerOf),
    poolSize: poolSizeOf(options.pool ?? '0'),
    images: { defaultImage: options.defaultImage ?? defaults.defaultImage, ...(registry && { registry }) },
  }
  if (settings.namespace === settings.keyNamespace)
    throw invalid('--key-namespace', 'must be another than that of the sandboxes: the server’s key is there')
  if (settings.from.length === 0)
    throw invalid(
      '--from',
      'must name where this server is seen to come from, a network like 10.0.0.0/8 or a namespace: nobody else gets into sandboxes'
    )
  return {
    async open(log, signal) {
      const [{ openKubernetesBackend }, { inClusterAccess, isInCluster, kubeconfigAccess, systemClock: clock }] =
        await Promise.all([import('@bulkhead/kubernetes/backend'), import('@bulkhead/kubernetes/controller')])
      const { env } = process
      const access =
        kubeconfig === undefined && context === undefined && isInCluster(env)
          ? await inClusterAccess({ env, clock })
          : await kubeconfigAccess({ clock, ...(kubeconfig && { file: kubeconfig }), ...(context && { context }) })
      return openKubernetesBackend({ ...settings, access, log }, signal)
    },
  }
}

/** A network or a namespace, as a NetworkPolicy names who may come in. */
export function peerOf(text: string): object {
  const [, address = '', bits = ''] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(text) ?? []
  const family = isIP(address)
  if (family !== 0 && Number(bits) <= (family === 4 ? 32 : 128)) return { ipBlock: { cidr: text } }
  return { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespaceOf('--from', text) } } }
}

function namespaceOf(field: string, text: string): string {
  if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)) return text
  const what =
    field === '--from' ? 'neither a network (10.0.0.0/8) nor the name of a namespace' : 'no name of a namespace'
  throw invalid(field, `${JSON.stringify(text)} is ${what}`)
}

function poolSizeOf(text: string): number {
  const size = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (size <= maxPoolSize) return size
  throw invalid('--pool', `must be a whole number from 0 to ${maxPoolSize}, not ${JSON.stringify(text)}`)
}

const invalid = (field: string, problem: string) => failure('invalid_request', { field, problem })
