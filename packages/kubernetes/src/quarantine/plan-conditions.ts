import type { Quarantine, QuarantineConditionType, QuarantineStatus, Sandbox, SandboxClaim } from '../api/index.ts'
import {
  type Condition,
  findCondition,
  type NetworkPolicy,
  type NewCondition,
  type Pod,
  type Stored,
  withCondition,
} from '../controller/index.ts'
import { secretsOf } from './secrets-of.ts'

/** What is to be told. */
export interface Told {
  /** The Pod, held, while it is there. */
  readonly pod: Stored<Pod> | undefined
  /** Policies that allow it something in spite of ours. */
  readonly allowing: readonly Stored<NetworkPolicy>[]
  readonly replacement: Replacement
}

export interface Replacement {
  readonly claim: Stored<SandboxClaim> | undefined
  /** The Sandbox that the claim names. */
  readonly ofClaim: Stored<Sandbox> | undefined
  /** The one it was taken from, if it stands by itself. */
  readonly sandbox: Stored<Sandbox> | undefined
  /** Whether that one has another Pod. */
  readonly hasOtherPod: boolean
}

type Say = readonly [status: Condition['status'], reason: string, message: string]

/** Names in one message. */
const named = 10

/** The status with all conditions; the same object when nothing is new. */
export function planConditions(quarantine: Stored<Quarantine>, told: Told, wallMs: number): QuarantineStatus {
  const { status = {}, metadata } = quarantine
  const says: Readonly<Record<QuarantineConditionType, Say>> = {
    TrafficCut: trafficCut(status, told),
    TokensInvalidated: tokensInvalidated(told.pod),
    Replaced: replaced(status, told.replacement),
    Ended: ended(status, told.pod),
  }
  let conditions = status.conditions ?? []
  for (const [type, [conditionStatus, reason, message]] of Object.entries(says)) {
    const next: NewCondition = { type, status: conditionStatus, reason, message }
    const observedGeneration = metadata.generation
    conditions = withCondition(
      conditions,
      { ...next, ...(observedGeneration && { observedGeneration }) },
      wallMs
    ) as Condition[]
  }
  return conditions === status.conditions ? status : { ...status, conditions }
}

/** Whether nothing about it will change any more. */
export const isOver = ({ conditions }: QuarantineStatus): boolean =>
  (['Ended', 'Replaced'] as const).every((type) => findCondition(conditions, type)?.status === 'True')

function trafficCut({ podUID }: QuarantineStatus, { pod, allowing }: Told): Say {
  if (!pod) return podUID ? ['True', 'PodGone', 'The Pod is gone'] : ['True', 'NoPod', 'The Sandbox had no Pod']
  if (allowing.length > 0) {
    const names = listed(allowing.map(({ metadata }) => metadata.name))
    return [
      'False',
      'OtherPoliciesAllow',
      `What NetworkPolicies allow adds up, and these allow the Pod something: ${names}`,
    ]
  }
  return ['True', 'Denied', 'A NetworkPolicy denies all; it holds where the cluster’s network enforces NetworkPolicies']
}

function tokensInvalidated(pod: Stored<Pod> | undefined): Say {
  if (!pod?.spec) return ['True', 'PodGone', 'The API server refuses tokens that were bound to the Pod']
  const { serviceAccount, secrets } = secretsOf(pod.spec)
  const rotate = secrets.length > 0 ? `. To be replaced by those who own them: Secrets ${listed(secrets)}` : ''
  if (serviceAccount === undefined) return ['True', 'NoTokens', `The Pod has no token of a ServiceAccount${rotate}`]
  const until = `Tokens of ServiceAccount ${serviceAccount} are bound to the Pod and accepted until it is gone`
  return ['False', 'BoundToPod', `${until}: delete the Quarantine to kill it now${rotate}`]
}

function replaced(status: QuarantineStatus, { claim, ofClaim, sandbox, hasOtherPod }: Replacement): Say {
  if (status.claimName !== undefined) {
    if (!claim) return ['True', 'NotWanted', `Claim "${status.claimName}" is gone`]
    const isOther = ofClaim !== undefined && ofClaim.metadata.uid !== status.sandboxUID
    return isOther && isReady(claim)
      ? ['True', 'ClaimServed', `Claim "${status.claimName}" has Sandbox "${ofClaim.metadata.name}"`]
      : ['False', 'ClaimWaits', `Claim "${status.claimName}" has no other Sandbox that is Ready yet`]
  }
  if (!sandbox) return ['True', 'NotWanted', 'The Sandbox is gone, and no claim had it']
  if (sandbox.spec?.operatingMode === 'Suspended') return ['True', 'NotWanted', 'The Sandbox is suspended']
  return hasOtherPod && isReady(sandbox)
    ? ['True', 'PodReplaced', 'The Sandbox has another Pod']
    : ['False', 'PodStarts', 'The Sandbox has no other Pod that is Ready yet']
}

function ended({ podUID, endsAt }: QuarantineStatus, pod: Stored<Pod> | undefined): Say {
  if (!podUID) return ['True', 'NothingToHold', 'There was no such Sandbox, or it had no Pod']
  if (!pod) return ['True', 'PodGone', 'The Pod is gone']
  return pod.metadata.deletionTimestamp
    ? ['False', 'Killing', 'The Pod is being killed']
    : ['False', 'Held', `The Pod is kept until ${endsAt}`]
}

const isReady = ({ status }: { readonly status?: { readonly conditions?: readonly Condition[] } }): boolean =>
  findCondition(status?.conditions, 'Ready')?.status === 'True'

const listed = (names: readonly string[]): string =>
  names.length <= named ? names.join(', ') : `${names.slice(0, named).join(', ')} and ${names.length - named} more`
