import type { Sandbox, SandboxStatus } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import { conditionOf } from './conditions-of.ts'
import { isFirstReadiness } from './plan-status.ts'
import { planStatusWrite, settleWindow } from './plan-status-write.ts'
import { change, type SandboxPass } from './sandbox-pass.ts'
import { eventReason, message, reason } from './wording.ts'

/**
 * Writes the status, if it has to be, and now; or else looks again. `sandbox`: as it was last written, so that a status made from an old state
 * never goes over a newer one.
 */
export async function writeStatus(pass: SandboxPass, sandbox: Stored<Sandbox>, after: SandboxStatus): Promise<void> {
  const { context, memory } = pass
  const { uid, resourceVersion } = sandbox.metadata
  const write = planStatusWrite(sandbox.status, after)
  if (write.kind === 'settle') {
    const now = context.clock.now()
    const { stage, ms } = settleWindow(sandbox, after, context.settings.sandboxWriteBehindWindowMs)
    const waiting = memory.settling.get(uid)
    const sinceMs = waiting?.stage === stage ? waiting.sinceMs : now
    const leftMs = sinceMs + ms - now
    if (leftMs > 0) {
      memory.settling.set(uid, { stage, sinceMs })
      pass.lookAgainIn(leftMs)
      return
    }
  }
  memory.settling.delete(uid)
  if (write.kind === 'none') return
  const patch = { metadata: { resourceVersion }, status: write.patch }
  const written = await change(pass, context.caches.sandboxes, sandbox, patch, { subresource: 'status' })
  tell(pass, sandbox, written)
}

function tell({ context }: SandboxPass, before: Stored<Sandbox>, after: Stored<Sandbox>): void {
  const was = conditionOf(before.status, 'Ready')
  const is = conditionOf(after.status, 'Ready')
  if (is?.status === 'True' && was?.status !== 'True' && isFirstReadiness(before.status))
    context.metrics.sandboxBecameReady(after, context.clock.wall())
  const { kernel } = after.status ?? {}
  if (kernel?.verdict === 'Mismatch' && before.status?.kernel?.verdict !== 'Mismatch') {
    context.metrics.kernelMismatched(after)
    context.recorders.sandbox.record(after, {
      type: 'Warning',
      reason: eventReason.kernelMismatch,
      action: 'Reconcile',
      note: message.kernelMismatch(kernel),
    })
  }
  if (is?.reason === reason.multiplePods && was?.reason !== reason.multiplePods)
    context.recorders.sandbox.record(after, {
      type: 'Warning',
      reason: eventReason.multiplePods,
      action: 'Reconcile',
      note: is.message,
    })
}
