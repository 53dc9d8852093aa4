import { type BlastRadius, blastRadiusOf } from './blast-radius.ts'
import { type Change, defaultRisk, expectedLoss, planChanges, type Risk } from './changes.ts'
import type { ClusterFacts, PlacedPod } from './facts.ts'
import { isOwnKernel, type KernelClass } from './kernel-class.ts'
import { type Kernel, kernelsOf, type PlacingOptions, placePods } from './kernels.ts'

export interface AuditOptions extends PlacingOptions {
  /** Longest list of changes. */
  readonly changes: number
  readonly risk?: Risk
}

/** What an audit found. Plain JSON; a member is never renamed or given another meaning. */
export interface AuditReport {
  readonly format: 'bulkhead-audit/1'
  readonly totals: {
    readonly nodes: number
    /** Scheduled ones. */
    readonly pods: number
    readonly tenants: number
    /** Pods with a kernel of their own. */
    readonly ownKernel: number
    /** Pods on a kernel of a node that are not part of the cluster's machinery. */
    readonly sharing: number
  }
  /** Pods that fall with the worst kernel that somebody can attack; 0 when none is exposed. */
  readonly maxBlastRadius: number
  /** Pods an attacker is expected to have, when each workload is taken with the probability `compromise`. */
  readonly expectedLoss: number
  readonly compromise: number
  /** Handlers of RuntimeClasses nobody here knows: counted as shared. */
  readonly unknownHandlers: readonly string[]
  /** Worst first. */
  readonly nodes: readonly NodeReport[]
  /** Worst first. */
  readonly tenants: readonly TenantReport[]
  readonly changes: readonly Change[]
}

export interface NodeReport {
  readonly name: string
  readonly kernelVersion: string
  readonly bootId: string
  /** Suspect code runs on its kernel. */
  readonly exposed: boolean
  /** Of 100: the share of its suspect pods that have a kernel of their own; 100 without any. */
  readonly score: number
  /** What falls with its kernel. */
  readonly radius: BlastRadius
  readonly pods: readonly PodReport[]
}

export interface PodReport {
  readonly namespace: string
  readonly name: string
  readonly workload: string
  readonly kernel: KernelClass
  readonly trusted: boolean
}

export interface TenantReport {
  /** Namespace. */
  readonly name: string
  readonly pods: number
  readonly ownKernel: number
  /** Other tenants whose code runs on a kernel under this one's pods. */
  readonly endangeredBy: readonly string[]
  /** Of 100: the share of its pods that no other tenant can reach through a kernel. */
  readonly score: number
}

/** Everything an audit says about a cluster, from what was read of it. */
export function audit(facts: ClusterFacts, options: AuditOptions): AuditReport {
  const { risk = defaultRisk } = options
  const pods = placePods(facts, options)
  const kernels = kernelsOf(pods)
  const own = pods.filter(({ kernel }) => isOwnKernel(kernel)).length
  return {
    format: 'bulkhead-audit/1',
    totals: {
      nodes: facts.nodes.length,
      pods: pods.length,
      tenants: new Set(pods.map(({ namespace }) => namespace)).size,
      ownKernel: own,
      sharing: pods.filter(({ kernel, trusted }) => !trusted && !isOwnKernel(kernel)).length,
    },
    maxBlastRadius: Math.max(0, ...kernels.filter(({ exposed }) => exposed).map(({ takes }) => takes.length)),
    expectedLoss: expectedLoss(pods, risk),
    compromise: risk.compromise,
    unknownHandlers: unknownHandlers(pods, facts),
    nodes: nodeReports(kernels, facts),
    tenants: tenantReports(kernels),
    changes: planChanges(pods, options.changes, risk),
  }
}

function unknownHandlers(pods: readonly PlacedPod[], { handlers }: ClusterFacts): string[] {
  const found = pods.flatMap(({ kernel, runtimeClass = '' }) =>
    kernel === 'unknown' ? [handlers.get(runtimeClass) ?? `(RuntimeClass ${runtimeClass} is not there)`] : []
  )
  return [...new Set(found)].sort()
}

function nodeReports(kernels: readonly Kernel[], facts: ClusterFacts): NodeReport[] {
  const known = new Map(facts.nodes.map((node) => [node.name, node]))
  return kernels
    .filter(({ id }) => id.startsWith('node/'))
    .map((kernel) => {
      const { kernelVersion = '', bootId = '' } = known.get(kernel.node) ?? {}
      const suspects = kernel.takes.filter(({ trusted }) => !trusted)
      return {
        name: kernel.node,
        kernelVersion,
        bootId,
        exposed: kernel.exposed,
        score: share(suspects.filter((pod) => isOwnKernel(pod.kernel)).length, suspects.length),
        radius: blastRadiusOf(kernel, facts.reach),
        pods: kernel.takes.map(({ namespace, name, workload, kernel: on, trusted }) => ({
          namespace,
          name,
          workload,
          kernel: on,
          trusted,
        })),
      }
    })
    .sort((a, b) => Number(b.exposed) - Number(a.exposed) || b.radius.pods - a.radius.pods || order(a.name, b.name))
}

function tenantReports(kernels: readonly Kernel[]): TenantReport[] {
  const tenants = new Map<string, { pods: number; own: number; safe: number; endangeredBy: Set<string> }>()
  for (const { id, runs, takes } of kernels) {
    if (!id.startsWith('node/')) continue
    const attackers = new Set(runs.filter(({ trusted }) => !trusted).map(({ namespace }) => namespace))
    for (const pod of takes) {
      const tenant = tenants.get(pod.namespace) ?? { pods: 0, own: 0, safe: 0, endangeredBy: new Set() }
      const others = [...attackers].filter((name) => name !== pod.namespace)
      tenant.pods += 1
      if (isOwnKernel(pod.kernel)) tenant.own += 1
      if (others.length === 0) tenant.safe += 1
      for (const name of others) tenant.endangeredBy.add(name)
      tenants.set(pod.namespace, tenant)
    }
  }
  return [...tenants]
    .map(([name, { pods, own, safe, endangeredBy }]) => ({
      name,
      pods,
      ownKernel: own,
      endangeredBy: [...endangeredBy].sort(),
      score: share(safe, pods),
    }))
    .sort((a, b) => a.score - b.score || b.pods - a.pods || order(a.name, b.name))
}

const share = (part: number, whole: number): number => (whole === 0 ? 100 : Math.floor((100 * part) / whole))
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
