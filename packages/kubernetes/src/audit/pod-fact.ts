import type { AsJson, Pod, Stored } from '../controller/index.ts'
import type { HostPath, PodFact } from './facts.ts'

type PodSpec = AsJson<NonNullable<Pod['spec']>>
type Container = Pick<PodSpec['containers'][number], 'name' | 'securityContext' | 'volumeMounts' | 'env' | 'envFrom'>

/** Capabilities with which a process on a shared kernel can load code into it or reach all of its node; see capabilities(7). */
const strong = new Set([
  'ALL',
  'SYS_ADMIN',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_PTRACE',
  'SYS_BOOT',
  'DAC_READ_SEARCH',
  'BPF',
])

/** What an audit keeps of a pod. */
export function podFact(pod: Stored<Pod>): PodFact {
  const { metadata, spec } = pod
  const containers = containersOf(spec)
  const runningContainer = containerToAsk(pod)
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    ...(spec?.nodeName && { node: spec.nodeName }),
    ...(runningContainer && { runningContainer }),
    workload: workloadOf(pod),
    ...(spec?.runtimeClassName && { runtimeClass: spec.runtimeClassName }),
    serviceAccount: spec?.serviceAccountName ?? 'default',
    hasToken: hasToken(spec),
    secrets: secretsOf(spec, containers),
    hostPaths: hostPathsOf(spec, containers),
    privileged: containers.some(({ securityContext }) => securityContext?.privileged === true),
    capabilities: capabilitiesOf(containers),
    hostNamespaces: [
      ...(spec?.hostNetwork ? ['network'] : []),
      ...(spec?.hostPID ? ['pid'] : []),
      ...(spec?.hostIPC ? ['ipc'] : []),
    ],
  }
}

const containersOf = (spec: PodSpec | undefined): Container[] => [
  ...(spec?.initContainers ?? []),
  ...(spec?.containers ?? []),
  ...(spec?.ephemeralContainers ?? []),
]

/** The first that runs: not those that are ephemeral, which are somebody's debugging. */
function containerToAsk({ spec, status }: Stored<Pod>): string | undefined {
  const running = new Set(status?.containerStatuses?.filter(({ state }) => state?.running).map(({ name }) => name))
  return spec?.containers?.find(({ name }) => running.has(name))?.name
}

/** Deployments are behind a ReplicaSet, whose name ends in the hash that its pods have as a label: it need not be read. */
function workloadOf({ metadata }: Stored<Pod>): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller)
  if (!owner) return `Pod/${metadata.name}`
  const hash = metadata.labels?.['pod-template-hash']
  if (owner.kind === 'ReplicaSet' && hash && owner.name.endsWith(`-${hash}`))
    return `Deployment/${owner.name.slice(0, -hash.length - 1)}`
  return `${owner.kind}/${owner.name}`
}

/**
 * A token that is mounted is always written out in a pod that has been stored: admission turns `automountServiceAccountToken` into a projected volume.
 * For which audiences the API server takes one cannot be seen, so any counts.
 */
const hasToken = (spec: PodSpec | undefined): boolean =>
  (spec?.volumes ?? []).some(({ projected }) =>
    projected?.sources?.some(({ serviceAccountToken }) => serviceAccountToken !== undefined)
  )

function secretsOf(spec: PodSpec | undefined, containers: readonly Container[]): string[] {
  const mounted = (spec?.volumes ?? []).flatMap(({ secret, projected, csi }) => [
    secret?.secretName,
    csi?.nodePublishSecretRef?.name,
    ...(projected?.sources ?? []).map((source) => source.secret?.name),
  ])
  const read = containers.flatMap(({ env, envFrom }) => [
    ...(env ?? []).map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
    ...(envFrom ?? []).map(({ secretRef }) => secretRef?.name),
  ])
  return [...new Set([...mounted, ...read].filter((name) => name !== undefined))].sort()
}

function hostPathsOf(spec: PodSpec | undefined, containers: readonly Container[]): HostPath[] {
  const written = new Set(
    containers
      .flatMap(({ volumeMounts }) => (volumeMounts ?? []).filter(({ readOnly }) => !readOnly))
      .map(({ name }) => name)
  )
  return (spec?.volumes ?? []).flatMap(({ name, hostPath }) =>
    hostPath ? [{ path: hostPath.path, writable: written.has(name) }] : []
  )
}

function capabilitiesOf(containers: readonly Container[]): string[] {
  const added = containers.flatMap(({ securityContext }) => securityContext?.capabilities?.add ?? [])
  // Runtimes take them with and without the prefix.
  const names = added.map((name) => name.toUpperCase().replace(/^CAP_/, ''))
  return [...new Set(names.filter((name) => strong.has(name)))].sort()
}
