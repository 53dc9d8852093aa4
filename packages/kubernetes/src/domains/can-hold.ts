import type { PodSpec } from '../api/index.ts'
import type { Node, RuntimeClass } from '../controller/index.ts'

type Affinity = NonNullable<NonNullable<PodSpec['affinity']>['nodeAffinity']>
type Term = NonNullable<Affinity['requiredDuringSchedulingIgnoredDuringExecution']>['nodeSelectorTerms'][number]
type Requirement = NonNullable<Term['matchExpressions']>[number]
type Taint = NonNullable<NonNullable<Node['spec']>['taints']>[number]
type Toleration = NonNullable<PodSpec['tolerations']>[number]

/** What of a Pod says where it can run. */
export type Demands = Pick<PodSpec, 'nodeSelector' | 'affinity' | 'tolerations'>

/**
 * Taints by which Kubernetes itself says how a node is at the moment. They keep new Pods away, but take the node out of no shard: a tenant whose
 * sandboxes bring their nodes down would otherwise be given new ones, one after another, until it has brought down all.
 */
const conditions: ReadonlySet<string> = new Set(
  ['not-ready', 'unreachable', 'memory-pressure', 'disk-pressure', 'pid-pressure', 'network-unavailable'].map(
    (name) => `node.kubernetes.io/${name}`
  )
)

/** What the RuntimeClass adds to a Pod's demands when it is admitted. */
export function demandsOf(spec: Demands, runtimeClass?: RuntimeClass): Demands {
  const { nodeSelector, tolerations } = runtimeClass?.scheduling ?? {}
  return {
    ...spec,
    nodeSelector: { ...spec.nodeSelector, ...nodeSelector },
    tolerations: [...(spec.tolerations ?? []), ...(tolerations ?? [])],
  }
}

/**
 * Whether a node belongs to those that a Pod may run on, in better times perhaps: by nodeSelector, required node affinity and taints, as the scheduler
 * has them, except that how full and how well the node is does not matter. A cordoned node does not belong: that is somebody's decision.
 */
export function canHold(node: Node, { nodeSelector = {}, affinity, tolerations = [] }: Demands): boolean {
  const labels = node.metadata?.labels ?? {}
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  return (
    node.spec?.unschedulable !== true &&
    Object.entries(nodeSelector).every(([key, value]) => labels[key] === value) &&
    (terms === undefined || terms.some((term) => matches(term, labels, node.metadata?.name ?? ''))) &&
    (node.spec?.taints ?? []).every((taint) => !repels(taint) || tolerations.some((one) => tolerates(one, taint)))
  )
}

const repels = ({ effect, key }: Taint): boolean => effect !== 'PreferNoSchedule' && !conditions.has(key)

/** As https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ has it. */
function tolerates({ key, operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false
  if (key && key !== taint.key) return false
  if (operator === 'Exists') return true
  return key !== undefined && value === (taint.value ?? '')
}

/** An empty term matches nothing. */
function matches({ matchExpressions = [], matchFields = [] }: Term, labels: Record<string, string>, name: string) {
  return (
    matchExpressions.length + matchFields.length > 0 &&
    matchExpressions.every((requirement) => holds(requirement, labels)) &&
    matchFields.every((requirement) => holds(requirement, { 'metadata.name': name }))
  )
}

function holds({ key, operator, values = [] }: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
      return asInteger(value) > asInteger(values[0])
    case 'Lt':
      return asInteger(value) < asInteger(values[0])
    default:
      return false
  }
}

/** NaN, with which nothing compares, for what is none. */
const asInteger = (text: string | undefined): number => (text && /^-?\d+$/.test(text) ? Number(text) : Number.NaN)
