import { label, nameHash, type Sandbox, type SandboxConditionType, type SandboxStatus } from '../api/index.ts'
import { type Condition, type Service, type Stored, withCondition, withoutCondition } from '../controller/index.ts'
import type { KernelEvidence } from '../evidence/kernel-evidence.ts'
import { settledKernel } from '../evidence/kernel-status.ts'
import type { CachedPod } from '../operator/cached-pod.ts'
import { conditionOf, conditionsOf } from './conditions-of.ts'
import { message, reason } from './wording.ts'

/** What a pass has found, or made, of a Sandbox's Pod. */
export type PodState =
  | { readonly kind: 'absent' }
  | { readonly kind: 'owned'; readonly pod: Stored<CachedPod> }
  /** Somebody else's has its name. */
  | { readonly kind: 'foreign'; readonly error: string }
  | { readonly kind: 'several'; readonly count: number }
  /** Looking for it, or making it, failed. */
  | { readonly kind: 'unknown' }

export interface Observed {
  readonly pod: PodState
  /** Of this Sandbox. */
  readonly service: Stored<Service> | undefined
  readonly errors: readonly string[]
}

type Verdict = Pick<Condition, 'status' | 'reason' | 'message'>

/** The API refuses more in a condition. */
const longestMessage = 32_768

export const isSuspended = ({ spec }: Stored<Sandbox>): boolean => spec.operatingMode === 'Suspended'

/** How the Pod has ended, if it has. */
export function endOf(pod: CachedPod): { readonly reason: string; readonly message: string } | undefined {
  if (pod.status.phase === 'Succeeded') return { reason: reason.podSucceeded, message: message.podSucceeded }
  if (pod.status.phase === 'Failed') return { reason: reason.podFailed, message: message.podFailed }
  return undefined
}

export interface Surroundings {
  readonly wallMs: number
  readonly clusterDomain: string
  /** What witnesses say. Undefined: they are not listened to. */
  readonly evidence?: Pick<KernelEvidence, 'of'> | undefined
}

/** The status as it should be, as far as it is this controller's: fields of others are left out, their conditions are kept. */
export function planStatus(
  sandbox: Stored<Sandbox>,
  observed: Observed,
  { wallMs, clusterDomain, evidence }: Surroundings
): SandboxStatus {
  const { metadata, status: before = {} } = sandbox
  const pod = observed.pod.kind === 'owned' ? observed.pod.pod : undefined
  const ips = pod ? addressesOf(pod) : []
  const serviceName = observed.service?.metadata.name
  const verdicts: Readonly<Record<SandboxConditionType, Verdict | undefined>> = {
    Ready: ready(sandbox, observed),
    Suspended: suspended(sandbox, observed.pod),
    Finished: finished(pod),
    PodScheduled: podScheduled(sandbox, observed.pod),
  }
  const kernel = evidence ? settledKernel(before.kernel, pod && evidence.of(pod)) : before.kernel
  const isAnyThere = observed.pod.kind !== 'absent' && observed.pod.kind !== 'unknown'
  return {
    conditions: withVerdicts(conditionsOf(before), verdicts, metadata.generation, wallMs),
    ...((before.selector || isAnyThere) && { selector: `${label.sandboxNameHash}=${nameHash(metadata.name)}` }),
    ...(ips.length > 0 && { podIPs: ips }),
    ...(pod?.spec.nodeName && { nodeName: pod.spec.nodeName }),
    ...(serviceName && {
      service: serviceName,
      serviceFQDN: `${serviceName}.${metadata.namespace}.svc.${clusterDomain}`,
    }),
    ...(kernel && { kernel }),
  }
}

function withVerdicts(
  before: readonly Condition[],
  verdicts: Readonly<Record<string, Verdict | undefined>>,
  generation: number | undefined,
  wallMs: number
): readonly Condition[] {
  const observedGeneration = generation === undefined ? {} : { observedGeneration: generation }
  return Object.entries(verdicts).reduce(
    (conditions, [type, verdict]) =>
      verdict
        ? withCondition(conditions, { type, ...verdict, ...observedGeneration }, wallMs)
        : withoutCondition(conditions, type),
    before
  )
}

/** In order of precedence: errors, suspension, a Pod that has ended, the rest. */
function ready(sandbox: Stored<Sandbox>, observed: Observed): Verdict {
  const { pod, errors } = observed
  const not = (reason: string, text: string): Verdict => ({ status: 'False', reason, message: text })
  if (errors.length > 0)
    return not(reason.reconcilerError, message.errorSeen(errors.join('; ')).slice(0, longestMessage))
  if (pod.kind === 'several') return not(reason.multiplePods, message.multiplePods(pod.count))
  if (isSuspended(sandbox))
    return not(reason.sandboxSuspended, pod.kind === 'absent' ? message.suspended : message.suspending)
  const end = pod.kind === 'owned' ? endOf(pod.pod) : undefined
  if (end) return not(end.reason, end.message)
  const missing = whatIsMissing(pod)
  const text = `${missing ?? message.podReady}${aboutService(sandbox, observed)}`
  return missing
    ? not(reason.dependenciesNotReady, text)
    : { status: 'True', reason: reason.dependenciesReady, message: text }
}

function whatIsMissing(state: PodState): string | undefined {
  if (state.kind !== 'owned') return message.podMissing
  const { phase = 'Unknown', conditions } = state.pod.status
  if (phase !== 'Running') return message.podInPhase(phase)
  if (conditions?.find(({ type }) => type === 'Ready')?.status !== 'True') return message.podNotReady
  return addressesOf(state.pod).length > 0 ? undefined : message.podWithoutAddress
}

function aboutService({ spec }: Stored<Sandbox>, { service }: Observed): string {
  if (spec.service === true || (spec.service === undefined && service))
    return `; ${service ? message.serviceExists : message.serviceMissing}`
  return ''
}

function suspended(sandbox: Stored<Sandbox>, { kind }: PodState): Verdict {
  if (!isSuspended(sandbox)) return { status: 'False', reason: reason.notSuspended, message: message.notSuspended }
  if (kind === 'absent') return { status: 'True', reason: reason.podTerminated, message: message.podTerminated }
  if (kind === 'owned') return { status: 'False', reason: reason.podTerminating, message: message.podTerminating }
  if (kind === 'foreign') return { status: 'False', reason: reason.podNotOwned, message: message.podNotOwned }
  return { status: 'Unknown', reason: reason.podStateUnknown, message: message.podStateUnknown }
}

function finished(pod: CachedPod | undefined): Verdict | undefined {
  const end = pod && endOf(pod)
  return end && { status: 'True', ...end }
}

function podScheduled(sandbox: Stored<Sandbox>, state: PodState): Verdict | undefined {
  const unknown = (text: string): Verdict => ({
    status: 'Unknown',
    reason: reason.podSchedulingUnknown,
    message: text,
  })
  // While suspended, nobody expects somebody else's Pod to be this one's.
  if (state.kind === 'absent' || (state.kind === 'foreign' && isSuspended(sandbox))) return undefined
  if (state.kind !== 'owned') return unknown(message.schedulingUnknown)
  const own = state.pod.status.conditions?.find(({ type }) => type === 'PodScheduled')
  if (!own) return unknown(message.schedulingNotReported)
  return {
    status: own.status as Condition['status'],
    reason: own.reason || (own.status === 'True' ? reason.podScheduled : reason.podSchedulingUnknown),
    message: own.message ?? '',
  }
}

function addressesOf({ status: { podIP, podIPs } }: CachedPod): string[] {
  const all = (podIPs ?? []).flatMap(({ ip }) => (ip ? [ip] : []))
  return all.length > 0 ? all : podIP ? [podIP] : []
}

/**
 * Whether this Sandbox has never been Ready before, by what its status was: the first status gives all conditions the same time, and each of Ready and
 * Suspended moves on when it changes. So that its creation is measured, and not its sleep.
 */
export const isFirstReadiness = (status: SandboxStatus | undefined): boolean =>
  conditionOf(status, 'Ready')?.lastTransitionTime === conditionOf(status, 'Suspended')?.lastTransitionTime
