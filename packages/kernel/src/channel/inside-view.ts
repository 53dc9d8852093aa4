import { InsideView } from '@bulkhead/wire'
import type { EvidenceResponse } from '@bulkhead/wire/guest'

/** Throws when the guest's answer cannot be what it is asked for, such as a time no calendar has. */
export function insideView(answer: EvidenceResponse): InsideView {
  return InsideView.parse({
    nonce: answer.nonce,
    bootId: answer.bootId,
    kernelRelease: answer.kernelRelease,
    kernelVersion: answer.kernelVersion,
    hostname: answer.hostname,
    machineId: answer.machineId,
    uptimeMs: Number(answer.uptimeMillis),
    // Throws a RangeError beyond the year 275760.
    wallClock: new Date(Number(answer.wallClockUnixNanos / 1_000_000n)).toISOString(),
  })
}
