import { type Quarantine, type QuarantineStatus, quarantines, sandboxes } from '../api/index.ts'
import {
  isAlreadyExists,
  isNotFound,
  mergePatch,
  networkPolicies,
  objectKey,
  pods,
  type Stored,
} from '../controller/index.ts'
import type { OperatorContext } from '../operator/operator-context.ts'
import type { Step } from './plan-quarantine.ts'
import type { QuarantineCaches } from './quarantine-caches.ts'

/** What is in there is not owed a farewell; none at all would let the Pod's object go before its processes. */
const killWithinSeconds = 1

export interface Quarantining {
  readonly context: OperatorContext
  readonly caches: QuarantineCaches
}

/** Carries out a step, in one write; returns the Quarantine as it is then. */
export async function carryOut(
  { context, caches }: Quarantining,
  quarantine: Stored<Quarantine>,
  step: Step,
  signal: AbortSignal
): Promise<Stored<Quarantine>> {
  const { client } = context
  const call = { signal, lane: 'urgent' } as const
  switch (step.kind) {
    case 'note': {
      const noted = await writeStatus({ context, caches }, quarantine, step.status, signal)
      if (!quarantine.status?.startedAt) announce(context, noted)
      return noted
    }
    case 'cut':
      // One that is there already is looked at in the next step.
      await client.create(networkPolicies, step.policy, call).catch(unless(isAlreadyExists))
      return quarantine
    case 'mendCut':
      await client.patch(networkPolicies, step.policy.metadata, mergePatch(step.body), call)
      return quarantine
    case 'hold': {
      const held = await client.patch(pods, step.pod.metadata, mergePatch(step.body), call)
      caches.pods.store.wrote(held)
      // Its labels are gone, and with them its place in that cache.
      const known = context.caches.pods.store.get(objectKey(held))
      if (known) context.caches.pods.store.deleted(known)
      return quarantine
    }
    case 'kill': {
      const { metadata } = step.pod
      const deleting = { ...call, gracePeriodSeconds: killWithinSeconds, preconditions: { uid: metadata.uid } }
      await client.delete(pods, metadata, deleting).catch(unless(isNotFound))
      return quarantine
    }
    case 'discard': {
      const { metadata } = step.sandbox
      // As it was seen: a claim that took it meanwhile is to be noted first.
      const preconditions = { uid: metadata.uid, resourceVersion: metadata.resourceVersion }
      await client.delete(sandboxes, metadata, { ...call, preconditions }).catch(unless(isNotFound))
      context.caches.sandboxes.store.deleted(step.sandbox)
      return quarantine
    }
    case 'rest':
      return quarantine
  }
}

/** Of this very version of the Quarantine. */
export async function writeStatus(
  { context, caches }: Quarantining,
  { metadata }: Stored<Quarantine>,
  status: QuarantineStatus,
  signal: AbortSignal
): Promise<Stored<Quarantine>> {
  const { uid, resourceVersion } = metadata
  const patch = mergePatch({ metadata: { uid, resourceVersion }, status })
  const call = { signal, lane: 'urgent', subresource: 'status' } as const
  const written = await context.client.patch(quarantines, metadata, patch, call)
  caches.quarantines.store.wrote(written)
  return written
}

function announce({ recorders }: OperatorContext, quarantine: Stored<Quarantine>): void {
  const { sandboxRef, reason = 'no reason given' } = quarantine.spec
  const note = `Sandbox "${sandboxRef.name}" is in quarantine: ${reason}`
  recorders.sandbox.record(quarantine, { type: 'Warning', reason: 'Quarantined', action: 'Quarantine', note })
}

const unless =
  (expected: (error: unknown) => boolean) =>
  (error: unknown): undefined => {
    if (!expected(error)) throw error
  }
