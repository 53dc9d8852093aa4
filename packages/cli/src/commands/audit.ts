import {
  type AuditReport,
  audit as auditFacts,
  collectFacts,
  counted,
  htmlPage,
  type KernelClass,
  kernelClasses,
  type PodFact,
  probePods,
  sarif,
} from '@bulkhead/kubernetes/audit'
import {
  type ClusterAccess,
  kubeconfigAccess,
  openApiClient,
  systemClock,
  toFailure,
} from '@bulkhead/kubernetes/controller'
import { failure } from '@bulkhead/wire/errors'
import { ExitCode } from '../exit-code.ts'
import { abortOnInterruption } from '../interruption.ts'
import { renderAudit } from '../output/audit.ts'
import { data, json, talk } from '../output/streams.ts'
import { writeResult } from '../output/write-result.ts'
import { packageVersion } from '../package-version.ts'
import { keepHeapSmall } from '../small-heap.ts'

export interface AuditCommandOptions {
  readonly kubeconfig?: string
  readonly context?: string
  /** `NAME=CLASS`. */
  readonly handler?: readonly string[]
  readonly trust?: readonly string[]
  readonly changes?: string
  readonly maxBlastRadius?: string
  readonly probe?: boolean
  readonly printRole?: boolean
  readonly html?: string
  readonly sarif?: string
  readonly json?: boolean
}

/** Namespaces of the machinery that Kubernetes brings itself. */
const ownNamespaces = ['kube-system', 'kube-node-lease', 'kube-public']
/** Each change costs a pass over all workloads; and nobody plans more at once. */
const mostChanges = 100

interface Settings {
  readonly trustedNamespaces: ReadonlySet<string>
  readonly overrides: ReadonlyMap<string, KernelClass>
  readonly changes: number
}

/** `bulkhead audit`: reads a cluster, changes nothing. Its exit codes are told by {@link verdict}. */
export async function audit(_args: string[], options: AuditCommandOptions): Promise<number> {
  if (options.printRole) {
    const { auditRole, toYaml } = await import('@bulkhead/kubernetes/manifests')
    data(toYaml([auditRole({ probe: options.probe ?? false })]))
    return ExitCode.success
  }
  using interruption = abortOnInterruption()
  const limit = options.maxBlastRadius === undefined ? undefined : count('--max-blast-radius', options.maxBlastRadius)
  const settings: Settings = {
    trustedNamespaces: new Set([...ownNamespaces, ...(options.trust ?? [])]),
    overrides: new Map((options.handler ?? []).map(handlerClass)),
    changes: count('--changes', options.changes ?? '5', mostChanges),
  }
  const clock = systemClock
  const { kubeconfig: file, context } = options
  const access = await kubeconfigAccess({ clock, ...(file && { file }), ...(context && { context }) })
  const report = await readAndAudit(access, settings, options.probe ?? false, interruption.signal)
  const cluster = access.server.host
  if (options.html)
    await writeResult(options.html, htmlPage(report, { cluster, at: new Date(clock.wall()).toISOString() }))
  if (options.sarif)
    await writeResult(options.sarif, JSON.stringify(sarif(report, { version: packageVersion(), cluster })))
  if (options.json) json(report)
  else data(renderAudit(report, { terminal: process.stdout.isTTY }))
  return verdict(report, limit)
}

async function readAndAudit(
  access: ClusterAccess,
  settings: Settings,
  probe: boolean,
  signal: AbortSignal
): Promise<AuditReport> {
  keepHeapSmall()
  await using opened = openApiClient({ access, clock: systemClock, userAgent: 'bulkhead-audit' })
  try {
    const facts = await collectFacts(opened.client, signal)
    if (!probe) return auditFacts(facts, settings)
    const inside = await probePods(access, facts.pods.filter(isToBeAsked(settings)), signal)
    return auditFacts({ ...facts, inside }, settings)
  } catch (error) {
    signal.throwIfAborted()
    const told = toFailure(error)
    if (told?.code === 'cluster_access_denied')
      talk('bulkhead: what an audit needs is printed by: bulkhead audit --print-role')
    throw told ?? error
  }
}

/** The cluster's own machinery is left alone. */
const isToBeAsked =
  ({ trustedNamespaces }: Settings) =>
  ({ node, namespace }: PodFact): boolean =>
    node !== undefined && !trustedNamespaces.has(namespace)

/** `violated`: more falls with a kernel than is allowed, or a RuntimeClass was found to lie. `unknown`: it would be allowed, but could be more than was seen. */
function verdict({ maxBlastRadius, missing, probe }: AuditReport, limit: number | undefined): ExitCode {
  if (probe && probe.pretending.length > 0) {
    talk(`bulkhead: without the kernel that the RuntimeClass promises: ${counted(probe.pretending.length, 'pod')}`)
    return ExitCode.violated
  }
  if (limit === undefined) return ExitCode.success
  if (maxBlastRadius > limit) {
    talk(`bulkhead: fall with one kernel: ${counted(maxBlastRadius, 'pod')}; allowed: ${limit}`)
    return ExitCode.violated
  }
  const hidden = missing.find(({ understates }) => understates)
  if (!hidden) return ExitCode.success
  talk(`bulkhead: ${counted(maxBlastRadius, 'pod')} fall with one kernel as far as can be seen; ${hidden.what} cannot`)
  return ExitCode.unknown
}

function count(option: string, text: string, most = 999_999_999): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) > most)
    throw failure('invalid_request', {
      field: option,
      problem: `${JSON.stringify(text)} is no number from 0 to ${most}`,
    })
  return Number(text)
}

function handlerClass(text: string): [string, KernelClass] {
  const [, handler, kernel] = /^([^=]+)=(.+)$/.exec(text) ?? []
  const known = kernelClasses.find((one) => one === kernel)
  if (handler && known) return [handler, known]
  throw failure('invalid_request', {
    field: '--handler',
    problem: `${JSON.stringify(text)} is not NAME=CLASS with a class of ${kernelClasses.join(', ')}`,
  })
}
