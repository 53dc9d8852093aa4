import { isDeepStrictEqual } from 'node:util'
import { label, nameHash, type PodSpec, type Sandbox, sandboxes } from '../api/index.ts'
import { controllerReference, type Service, type Stored } from '../controller/index.ts'
import { type KeyChanges, metadataDrift } from './metadata-drift.ts'
import { sandboxUidLabel } from './sandbox-uid-label.ts'

type ServicePort = NonNullable<NonNullable<Service['spec']>['ports']>[number]

/** `guarded`: selects by the Sandbox's uid as well, because the hash of its name is not its alone. */
export function buildService(sandbox: Stored<Sandbox>, guarded: boolean): Service {
  const { namespace = '', name } = sandbox.metadata
  return {
    metadata: {
      namespace,
      name,
      labels: hashLabel(sandbox),
      ownerReferences: [controllerReference(sandboxes, sandbox)],
    },
    spec: {
      clusterIP: 'None',
      selector: selectorOf(sandbox, guarded),
      ports: servicePorts(sandbox.spec.podTemplate.spec),
    },
  }
}

export interface ServiceDrift {
  readonly metadata?: { readonly labels: KeyChanges }
  readonly spec?: { readonly selector?: KeyChanges; readonly ports?: readonly ServicePort[] }
}

/** What brings a live Service in line; its ports only when the Sandbox wants a Service, and not merely keeps it. Undefined: nothing to do. */
export function serviceDrift(
  service: Stored<Service>,
  sandbox: Stored<Sandbox>,
  guarded: boolean
): ServiceDrift | undefined {
  const live = service.spec ?? {}
  const labels = metadataDrift(service.metadata.labels, hashLabel(sandbox), [])
  const selector = metadataDrift(live.selector, selectorOf(sandbox, guarded), Object.keys(live.selector ?? {}))
  const wanted = sandbox.spec.service === true ? servicePorts(sandbox.spec.podTemplate.spec) : undefined
  const ports = wanted && !isDeepStrictEqual((live.ports ?? []).map(comparable), wanted) ? wanted : undefined
  if (!labels && !selector && !ports) return undefined
  return {
    ...(labels && { metadata: { labels } }),
    ...((selector || ports) && { spec: { ...(selector && { selector }), ...(ports && { ports }) } }),
  }
}

/** Once a Service has been narrowed to its own Sandbox it stays so: the other one's Pod may still be on its way out. */
export const isGuarded = (service: Stored<Service>, uid: string): boolean =>
  service.spec?.selector?.[sandboxUidLabel] === uid

/** Ports of containers, and of init containers that go on running: each once, sorted, with a name of its own. */
export function servicePorts({ containers, initContainers = [] }: PodSpec): ServicePort[] {
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always')
  const byNumber = new Map<string, { readonly port: number; readonly protocol: string; name?: string }>()
  const declared = [...containers, ...sidecars].flatMap(({ ports = [] }) => ports)
  for (const { containerPort: port, protocol = 'TCP', name } of declared) {
    const known = byNumber.get(`${port}/${protocol}`)
    if (!known) byNumber.set(`${port}/${protocol}`, { port, protocol, ...(name && { name }) })
    else if (name) known.name ??= name
  }
  const sorted = [...byNumber.values()].sort((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1))
  const names = new Map<object, string>()
  const taken = new Set<string>()
  // Names that somebody chose come first: the made-up ones give way.
  for (const entry of [...sorted.filter(({ name }) => name), ...sorted.filter(({ name }) => !name)]) {
    const name = freeName(entry.name ?? `p-${entry.port}-${entry.protocol.toLowerCase()}`, taken)
    taken.add(name)
    names.set(entry, name)
  }
  return sorted.map((entry) => ({
    name: names.get(entry) ?? '',
    port: entry.port,
    protocol: entry.protocol,
    targetPort: entry.port,
  }))
}

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted
  for (let n = 2; ; n++) if (!taken.has(`${wanted}-${n}`)) return `${wanted}-${n}`
}

const comparable = ({ name, port, protocol, targetPort }: ServicePort): ServicePort =>
  ({ name, port, protocol, targetPort }) as ServicePort

const hashLabel = ({ metadata: { name } }: Stored<Sandbox>) => ({ [label.sandboxNameHash]: nameHash(name) })

const selectorOf = (sandbox: Stored<Sandbox>, guarded: boolean): Record<string, string> => ({
  ...hashLabel(sandbox),
  ...(guarded && { [sandboxUidLabel]: sandbox.metadata.uid }),
})
