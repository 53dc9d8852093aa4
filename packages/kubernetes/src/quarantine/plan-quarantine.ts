import {
  annotation,
  type Quarantine,
  type QuarantineStatus,
  quarantineLabel,
  quarantines,
  type Sandbox,
  sandboxClaims,
  sandboxWarmPools,
  timeMs,
} from '../api/index.ts'
import {
  controllerOf,
  controllerReference,
  isControlledBy,
  type NetworkPolicy,
  type Pod,
  refersTo,
  type Stored,
  wholeSeconds,
} from '../controller/index.ts'
import { isSamePolicy } from '../template/network-policy.ts'
import { deniesAll, policyFor } from './network-policy.ts'
import { retentionMs } from './retention.ts'

/** As the API server has it, not a cache: quarantines are rare. */
export interface Observed {
  /** The Sandbox of the name in the spec, whichever it is by now. */
  readonly sandbox: Stored<Sandbox> | undefined
  /** The Pod of the name in the status; before there is one, that which the Sandbox says is its own. */
  readonly pod: Stored<Pod> | undefined
  /** The NetworkPolicy of its name. */
  readonly policy: Stored<NetworkPolicy> | undefined
}

/** The next thing to do. Each leaves a state from which the next pass goes on, of whatever process. */
export type Step =
  /** Notes in the status what it is about. All later steps are about these, by uid. */
  | { readonly kind: 'note'; readonly status: QuarantineStatus }
  | { readonly kind: 'cut'; readonly policy: NetworkPolicy }
  | { readonly kind: 'mendCut'; readonly policy: Stored<NetworkPolicy>; readonly body: object }
  /** Takes the Pod from its Sandbox, out of all Services, and out of reach of all policies but ours, in one patch. */
  | { readonly kind: 'hold'; readonly pod: Stored<Pod>; readonly body: object }
  | { readonly kind: 'kill'; readonly pod: Stored<Pod> }
  /** Deletes the Sandbox without its Pod: its claim gets another, its pool is filled up. */
  | { readonly kind: 'discard'; readonly sandbox: Stored<Sandbox> }
  /** Nothing now. */
  | { readonly kind: 'rest'; readonly untilMs: number | undefined }

/** What is to be done next. */
export function planQuarantine(quarantine: Stored<Quarantine>, observed: Observed, wallMs: number): Step {
  const { status } = quarantine
  if (!status?.startedAt) return { kind: 'note', status: begun(quarantine, observed, wallMs) }
  const pod = heldPod(status, observed)
  const secured = pod && secure(quarantine, pod, observed)
  if (secured) return secured
  const endsMs = timeMs(status.endsAt) ?? 0
  if (pod && endsMs <= wallMs && !pod.metadata.deletionTimestamp) return { kind: 'kill', pod }
  const sandbox = ownSandbox(status, observed)
  const claimName = sandbox && claimOf(sandbox)
  if (claimName !== undefined && claimName !== status.claimName)
    return { kind: 'note', status: { ...status, claimName } }
  if (sandbox && isOthers(sandbox) && !sandbox.metadata.deletionTimestamp) return { kind: 'discard', sandbox }
  return { kind: 'rest', untilMs: pod && endsMs > wallMs ? endsMs : undefined }
}

/** The Pod in quarantine, while it is there. */
export const heldPod = ({ podUID }: QuarantineStatus, { pod }: Observed): Stored<Pod> | undefined =>
  podUID !== undefined && pod?.metadata.uid === podUID ? pod : undefined

/** The Sandbox that it was taken from, while it is there. */
export const ownSandbox = ({ sandboxUID }: QuarantineStatus, { sandbox }: Observed): Stored<Sandbox> | undefined =>
  sandboxUID !== undefined && sandbox?.metadata.uid === sandboxUID ? sandbox : undefined

export const podNameOf = ({ metadata }: Stored<Sandbox>): string =>
  metadata.annotations?.[annotation.podName] ?? metadata.name

function begun({ spec, status }: Stored<Quarantine>, observed: Observed, wallMs: number): QuarantineStatus {
  const { name: _, uid } = spec.sandboxRef
  const sandbox = uid === undefined || observed.sandbox?.metadata.uid === uid ? observed.sandbox : undefined
  const pod = sandbox && observed.pod && isControlledBy(observed.pod, sandbox) ? observed.pod : undefined
  const claimName = sandbox && claimOf(sandbox)
  return {
    ...status,
    ...(sandbox && { sandboxUID: sandbox.metadata.uid }),
    ...(pod && { podName: pod.metadata.name, podUID: pod.metadata.uid }),
    ...(claimName !== undefined && { claimName }),
    startedAt: wholeSeconds(wallMs),
    endsAt: wholeSeconds(wallMs + retentionMs(spec.retention)),
  }
}

/** First the policy, then the label that puts the Pod under it: there is no moment without. */
function secure(quarantine: Stored<Quarantine>, pod: Stored<Pod>, { policy }: Observed): Step | undefined {
  if (!policy) return { kind: 'cut', policy: policyFor(quarantine, pod) }
  const wanted = deniesAll(quarantine.metadata.uid)
  if (!isSamePolicy(policy.spec, wanted)) {
    const { ownerReferences } = policyFor(quarantine, pod).metadata ?? {}
    const open = { ingress: null, egress: null }
    return { kind: 'mendCut', policy, body: { metadata: { ownerReferences }, spec: { ...wanted, ...open } } }
  }
  return isHeld(quarantine, pod) ? undefined : { kind: 'hold', pod, body: heldPatch(quarantine, pod) }
}

export function isHeld(quarantine: Stored<Quarantine>, pod: Stored<Pod>): boolean {
  const labels = pod.metadata.labels ?? {}
  return (
    isControlledBy(pod, quarantine) &&
    labels[quarantineLabel] === quarantine.metadata.uid &&
    Object.keys(labels).length === 1
  )
}

function heldPatch(quarantine: Stored<Quarantine>, { metadata }: Stored<Pod>): object {
  const dropped = Object.fromEntries(Object.keys(metadata.labels ?? {}).map((key) => [key, null]))
  return {
    metadata: {
      uid: metadata.uid,
      resourceVersion: metadata.resourceVersion,
      labels: { ...dropped, [quarantineLabel]: quarantine.metadata.uid },
      annotations: { [annotation.safeToEvict]: 'false' },
      ownerReferences: [controllerReference(quarantines, quarantine)],
    },
  }
}

function claimOf(sandbox: Stored<Sandbox>): string | undefined {
  const owner = controllerOf(sandbox)
  return owner && refersTo(owner, sandboxClaims) ? owner.name : undefined
}

/** Whether somebody makes another in its place. One that stands by itself keeps its name, and gets another Pod. */
function isOthers(sandbox: Stored<Sandbox>): boolean {
  const owner = controllerOf(sandbox)
  return owner !== undefined && (refersTo(owner, sandboxClaims) || refersTo(owner, sandboxWarmPools))
}
