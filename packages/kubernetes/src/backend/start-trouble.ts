import { type BulkheadError, failure, type RuntimeName } from '@bulkhead/wire'
import type { SandboxClaim } from '../api/index.ts'
import { findCondition, type Stored } from '../controller/index.ts'
import type { CachedPod, ContainerStatuses } from './cached-pod.ts'
import { podEnd } from './pod-end.ts'
import { printable } from './printable.ts'

/** What a sandbox that does not start was asked for with. */
export interface Wanted {
  readonly id: string
  readonly image: string
  readonly runtime: RuntimeName
}

/** Reasons of a claim's Ready condition after which it never becomes Ready. */
const finalReasons: ReadonlySet<string> = new Set([
  'InvalidMetadata',
  'EnvVarsInjectionRejected',
  'VolumeClaimTemplatesError',
  'ClaimExpired',
  'SandboxExpired',
  'PodFailed',
  'PodSucceeded',
])

/** Why a sandbox will not start, for what it is no use to wait; undefined while it may. */
export function startTrouble(
  claim: Stored<SandboxClaim>,
  pod: Pick<CachedPod, 'status'> | undefined,
  wanted: Wanted
): BulkheadError | undefined {
  const { id, runtime } = wanted
  const started = (reason: string) => failure('kernel_start_failed', { runtime, id, reason: printable(reason) })
  if (pod) {
    const end = podEnd(pod)
    if (end) return started(end.reason ?? 'its Pod has ended')
    const { initContainerStatuses = [], containerStatuses = [] } = pod.status
    // The agent's image is the server's business, the other the caller's.
    const own = imageTrouble(containerStatuses, wanted) ?? unstartable(containerStatuses)
    if (own) return typeof own === 'string' ? started(own) : own
    const agents = initContainerStatuses.map(({ state }) => state?.waiting).find((one) => isImageTrouble(one?.reason))
    if (agents) return started(`the image of the guest agent cannot be had: ${agents.reason}: ${agents.message ?? ''}`)
  }
  const ready = findCondition(claim.status?.conditions, 'Ready')
  if (ready?.status === 'False' && finalReasons.has(ready.reason)) return started(`${ready.reason}: ${ready.message}`)
  return undefined
}

/** Why it has not started yet, as far as the cluster says. */
export function whyNotYet(claim: Stored<SandboxClaim> | undefined, pod: Pick<CachedPod, 'status'> | undefined): string {
  const { initContainerStatuses = [], containerStatuses = [], conditions = [] } = pod?.status ?? {}
  const unscheduled = conditions.find(({ type, status }) => type === 'PodScheduled' && status === 'False')
  const waiting = [...initContainerStatuses, ...containerStatuses]
    .map(({ state }) => state?.waiting)
    .find((one) => one?.message)
  const ready = findCondition(claim?.status?.conditions, 'Ready')
  const said = unscheduled ?? waiting ?? ready
  if (said) return printable(`${said.reason}: ${said.message}`)
  return pod ? 'its Pod does not run yet' : 'the operator has not answered; does it run with --extensions?'
}

const imageReasons: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'RegistryUnavailable',
  'SignatureValidationFailed',
  'ImageInspectError',
])
const isImageTrouble = (reason: string | undefined): boolean => reason !== undefined && imageReasons.has(reason)

/** Kubelets say what the registry said, in the words of their container runtime. */
function imageTrouble(statuses: ContainerStatuses, { image }: Wanted): BulkheadError | undefined {
  const waiting = statuses.map(({ state }) => state?.waiting).find((one) => isImageTrouble(one?.reason))
  if (!waiting) return undefined
  const detail = printable(waiting.message || waiting.reason || '')
  if (waiting.reason === 'InvalidImageName')
    return failure('image_reference_invalid', { reference: image, problem: detail })
  if (/\b40[13]\b|unauthori[sz]ed|forbidden|denied|authorization failed|insufficient_scope/i.test(detail))
    return failure('registry_unauthorized', { reference: image, detail })
  if (/not found|manifest unknown|name unknown|does not exist|not present/i.test(detail))
    return failure('image_not_found', { name: image })
  if (waiting.reason === 'SignatureValidationFailed' || waiting.reason === 'ImageInspectError')
    return failure('image_invalid', { reference: image, problem: detail })
  // A back-off follows the pull that failed, and has another text: that one was told before.
  return waiting.reason === 'ImagePullBackOff'
    ? undefined
    : failure('registry_unavailable', { reference: image, detail })
}

function unstartable(statuses: ContainerStatuses): string | undefined {
  const waiting = statuses
    .map(({ state }) => state?.waiting)
    .find((one) => /^Create|^RunContainer/.test(one?.reason ?? ''))
  return waiting && /Error$/.test(waiting.reason ?? '') ? `${waiting.reason}: ${waiting.message ?? ''}` : undefined
}
