import type { Sandbox, SandboxStatus } from '../api/index.ts'
import { findCondition, type Stored } from '../controller/index.ts'
import { isFirstReadiness } from './plan-status.ts'
import { planStatusWrite } from './plan-status-write.ts'
import { change, type SandboxPass } from './sandbox-pass.ts'
import { eventReason, reason } from './wording.ts'

/** How long a status that is on its way to something waits for it. Most Pods are Ready by then. */
const settleMs = 1_000

/**
 * Writes the status, if it has to be. Returns in how many ms to look again because it has waited. `sandbox`: as it was last written, so
 * that a status made from an old state never goes over a newer one.
 */
export async function writeStatus(
  pass: SandboxPass,
  sandbox: Stored<Sandbox>,
  after: SandboxStatus
): Promise<number | undefined> {
  const { context, memory } = pass
  const { uid, resourceVersion } = sandbox.metadata
  const write = planStatusWrite(sandbox.status, after)
  if (write.kind === 'settle') {
    const now = context.clock.now()
    const since = memory.settlingSince.get(uid) ?? now
    const leftMs = since + Math.max(settleMs, context.settings.sandboxWriteBehindWindowMs) - now
    if (leftMs > 0) {
      memory.settlingSince.set(uid, since)
      return leftMs
    }
  }
  memory.settlingSince.delete(uid)
  if (write.kind === 'none') return undefined
  const patch = { metadata: { resourceVersion }, status: write.patch }
  const written = await change(pass, context.caches.sandboxes, sandbox, patch, { subresource: 'status' })
  tell(pass, sandbox, written)
  return undefined
}

function tell({ context }: SandboxPass, before: Stored<Sandbox>, after: Stored<Sandbox>): void {
  const was = findCondition(before.status?.conditions, 'Ready')
  const is = findCondition(after.status?.conditions, 'Ready')
  if (is?.status === 'True' && was?.status !== 'True' && isFirstReadiness(before.status))
    context.metrics.sandboxBecameReady(after, context.clock.wall())
  if (is?.reason === reason.multiplePods && was?.reason !== reason.multiplePods)
    context.recorders.sandbox.record(after, {
      type: 'Warning',
      reason: eventReason.multiplePods,
      action: 'Reconcile',
      note: is.message,
    })
}
