import type { CreateSandbox } from '@bulkhead/wire'
import { failure } from '@bulkhead/wire'
import type { SandboxClaim } from '../api/index.ts'
import { key, ours } from './keys.ts'
import { recordText, type SandboxRecord } from './sandbox-record.ts'
import type { Shape } from './shape.ts'

/** Kubernetes' limit for all annotations of an object is 256 KiB; the operator's own are small. */
const maxRecordBytes = 240 * 1024

/** Of a sandbox that is being made. */
export const newRecord = (shape: Shape, wanted: CreateSandbox, nowMs: number): SandboxRecord => ({
  version: 1,
  image: wanted.image,
  imageDigest: '',
  runtime: shape.runtime,
  isolation: shape.isolation,
  runtimeClass: shape.runtimeClass,
  memoryBytes: shape.memoryBytes,
  cpus: shape.cpus,
  diskBytes: shape.diskBytes,
  metadata: wanted.metadata,
  createdAt: new Date(nowMs).toISOString(),
  origin: 'boot',
})

/**
 * The claim for a sandbox. Until the sandbox has been handed over, the claim ends by itself: when this server dies meanwhile, the operator removes what
 * nobody knows of. Fails `invalid_request`.
 */
export function buildClaim(
  id: string,
  namespace: string,
  { name: pool }: Shape,
  record: SandboxRecord,
  giveUpAtMs: number
): SandboxClaim {
  const text = recordText(record)
  if (Buffer.byteLength(text) > maxRecordBytes)
    throw failure('invalid_request', {
      field: 'metadata',
      problem: `is larger than the ${maxRecordBytes} bytes that a cluster keeps with an object`,
    })
  return {
    metadata: { name: id, namespace, labels: { [key.managed]: ours }, annotations: { [key.record]: text } },
    spec: {
      warmPoolRef: { name: pool },
      lifecycle: { shutdownTime: new Date(giveUpAtMs).toISOString(), shutdownPolicy: 'Delete' },
    },
  }
}
