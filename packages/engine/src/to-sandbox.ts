import type { Sandbox } from '@bulkhead/wire'
import type { SandboxRow } from './ledger/sandbox-table.ts'

/** What of a row goes to clients: no secrets, no places on the host. */
export function toSandbox(row: SandboxRow): Sandbox {
  const { id, state, reason, image, imageDigest, runtime, isolation, memoryBytes, cpus, diskBytes, metadata, origin } =
    row
  return {
    id,
    state,
    ...(reason !== undefined && { reason }),
    image,
    imageDigest,
    runtime,
    isolation,
    memoryBytes,
    cpus,
    diskBytes,
    metadata,
    createdAt: new Date(row.createdAt).toISOString(),
    ...(row.deadlineAt !== undefined && { deadlineAt: new Date(row.deadlineAt).toISOString() }),
    origin,
  }
}
