import { type AccountReport, accountReports } from './accounts.ts'
import { type BlastRadius, blastRadiusOf } from './blast-radius.ts'
import { type Change, defaultRisk, expectedLoss, planChanges, type Risk } from './changes.ts'
import type { ClusterFacts, Missing, PlacedPod } from './facts.ts'
import { isOwnKernel, type KernelClass } from './kernel-class.ts'
import { type Kernel, kernelsOf, type PlacingOptions, placePods, waysAround } from './kernels.ts'
import { type NodesLost, nodesLost } from './nodes-lost.ts'
import { type ProbeReport, probeReport } from './probe-report.ts'
import { byName, percent } from './ranking.ts'
import { type TenantReport, tenantReports } from './tenants.ts'

export interface AuditOptions extends PlacingOptions {
  /** Longest list of changes. */
  readonly changes: number
  readonly risk?: Risk
}

/** What an audit found. Plain JSON; a member is never renamed or given another meaning. */
export interface AuditReport {
  readonly format: 'bulkhead-audit/1'
  /** What could not be read: without it the report says less than it could. Empty: it says all. */
  readonly missing: readonly Missing[]
  readonly totals: {
    readonly nodes: number
    /** Scheduled ones. */
    readonly pods: number
    /** Not scheduled yet: nothing else is said of them. */
    readonly pending: number
    readonly tenants: number
    /** Pods with a kernel of their own. */
    readonly ownKernel: number
    /** Of these, the pods with a way around it: as dangerous to their node as if they had none. */
    readonly bypassed: number
    /** Pods on a kernel of a node that are not part of the cluster's machinery. */
    readonly sharing: number
  }
  /** Pods that fall with the worst kernel that somebody can attack; 0 when none is exposed. */
  readonly maxBlastRadius: number
  /** Pods an attacker is expected to have, when each workload is taken with the probability `compromise`. */
  readonly expectedLoss: number
  readonly compromise: number
  readonly nodesLost: readonly NodesLost[]
  /** Handlers of RuntimeClasses nobody here knows: counted as shared. */
  readonly unknownHandlers: readonly string[]
  /** RuntimeClasses that pods have and that are not there any more, or could not be read: counted as shared. */
  readonly unseenRuntimeClasses: readonly string[]
  /** What the insides of pods said; absent when nobody asked them. */
  readonly probe?: ProbeReport
  /** Of nodes. Worst first. */
  readonly kernels: readonly KernelReport[]
  /** Worst first. */
  readonly tenants: readonly TenantReport[]
  /** The service accounts that `radius.serviceAccounts` name, by name. */
  readonly accounts: readonly AccountReport[]
  readonly changes: readonly Change[]
}

export interface KernelReport {
  /** The first of its nodes. */
  readonly name: string
  /** More than one: nodes that tell the same boot id are on one kernel. */
  readonly nodes: readonly string[]
  readonly kernelVersion: string
  readonly bootId: string
  /** Suspect code can attack it. */
  readonly exposed: boolean
  /** Of 100: the share of its suspect pods that are contained by a kernel of their own; 100 without any. */
  readonly score: number
  /** What falls with it. */
  readonly radius: BlastRadius
  readonly pods: readonly PodReport[]
}

export interface PodReport {
  readonly namespace: string
  readonly name: string
  readonly node: string
  readonly workload: string
  readonly kernel: KernelClass
  readonly trusted: boolean
  /** What leads around its own kernel. */
  readonly waysAround: readonly string[]
}

/** Everything an audit says about a cluster, from what was read of it. */
export function audit(facts: ClusterFacts, options: AuditOptions): AuditReport {
  const { risk = defaultRisk } = options
  const pods = placePods(facts, options)
  const suspects = pods.filter(({ trusted }) => !trusted)
  const kernels = kernelsOf(pods, facts.nodes)
  const reports = kernelReports(kernels, facts)
  const own = pods.filter(({ kernel }) => isOwnKernel(kernel))
  return {
    format: 'bulkhead-audit/1',
    missing: facts.missing,
    totals: {
      nodes: new Set([...facts.nodes.map(({ name }) => name), ...pods.map(({ node }) => node)]).size,
      pods: pods.length,
      pending: facts.pods.length - pods.length,
      tenants: new Set(suspects.map(({ namespace }) => namespace)).size,
      ownKernel: own.length,
      bypassed: own.filter(({ contained }) => !contained).length,
      sharing: suspects.filter(({ kernel }) => !isOwnKernel(kernel)).length,
    },
    maxBlastRadius: kernels.reduce((most, { exposed, takes }) => (exposed ? Math.max(most, takes.length) : most), 0),
    expectedLoss: expectedLoss(pods, risk),
    compromise: risk.compromise,
    nodesLost: nodesLost(pods, facts.nodes),
    ...unknown(pods, facts),
    ...(facts.inside && { probe: probeReport(pods, facts.inside, facts, options) }),
    kernels: reports,
    tenants: tenantReports(kernels),
    accounts: accountReports(
      reports.flatMap(({ radius }) => radius.serviceAccounts),
      facts.reach
    ),
    changes: planChanges(pods, options.changes, risk),
  }
}

function unknown(
  pods: readonly PlacedPod[],
  { handlers }: ClusterFacts
): Pick<AuditReport, 'unknownHandlers' | 'unseenRuntimeClasses'> {
  const classes = new Set(
    pods.flatMap(({ kernel, runtimeClass }) => (kernel === 'unknown' ? (runtimeClass ?? []) : []))
  )
  const found = new Set([...classes].flatMap((name) => handlers.get(name) ?? []))
  return {
    unknownHandlers: [...found].sort(),
    unseenRuntimeClasses: [...classes].filter((name) => !handlers.has(name)).sort(),
  }
}

function kernelReports(kernels: readonly Kernel[], facts: ClusterFacts): KernelReport[] {
  const known = new Map(facts.nodes.map((node) => [node.name, node]))
  return kernels
    .filter(({ id }) => id.startsWith('node/'))
    .map((kernel) => {
      const [name = ''] = kernel.nodes
      const { kernelVersion = '', bootId = '' } = known.get(name) ?? {}
      const suspects = kernel.takes.filter(({ trusted }) => !trusted)
      return {
        name,
        nodes: kernel.nodes,
        kernelVersion,
        bootId,
        exposed: kernel.exposed,
        score: percent(suspects.filter(({ contained }) => contained).length, suspects.length),
        radius: blastRadiusOf(kernel, facts.reach),
        pods: kernel.takes.map(podReport),
      }
    })
    .sort((a, b) => Number(b.exposed) - Number(a.exposed) || b.radius.pods - a.radius.pods || byName(a, b))
}

const podReport = (pod: PlacedPod): PodReport => ({
  namespace: pod.namespace,
  name: pod.name,
  node: pod.node,
  workload: pod.workload,
  kernel: pod.kernel,
  trusted: pod.trusted,
  waysAround: isOwnKernel(pod.kernel) ? waysAround(pod) : [],
})
