import { Sandbox } from '@bulkhead/wire'
import { z } from 'zod'
import type { SandboxClaim } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import { key } from './keys.ts'

/** The Pod a sandbox was given, as it was found. */
const GivenPod = z.object({
  name: z.string(),
  uid: z.string(),
  /** Of the kernel, as its inside first said. */
  bootId: z.string().optional(),
})

/** What this server keeps with a claim, in an annotation: the cluster is its only ledger. */
const SandboxRecord = Sandbox.pick({
  image: true,
  imageDigest: true,
  runtime: true,
  isolation: true,
  memoryBytes: true,
  cpus: true,
  diskBytes: true,
  metadata: true,
  createdAt: true,
  origin: true,
}).extend({
  version: z.literal(1),
  runtimeClass: z.string(),
  /** Absent while it is being made. */
  pod: GivenPod.optional(),
  /** Set once, when its end has begun, or was noticed. */
  ended: z
    .object({ state: z.enum(['stopped', 'failed', 'lost']), reason: z.string().optional(), at: z.string() })
    .optional(),
})
export type SandboxRecord = z.infer<typeof SandboxRecord>

/** Undefined for what somebody else has written there. */
export function recordOf(claim: Stored<SandboxClaim>): SandboxRecord | undefined {
  const known = parsed.get(claim)
  if (known !== undefined) return known ?? undefined
  const record = parse(claim.metadata.annotations?.[key.record])
  parsed.set(claim, record ?? null)
  return record
}

export const recordText = (record: SandboxRecord): string => JSON.stringify(record)

/** Objects of the cache never change: each is read once. */
const parsed = new WeakMap<object, SandboxRecord | null>()

function parse(text: string | undefined): SandboxRecord | undefined {
  try {
    return SandboxRecord.safeParse(JSON.parse(text ?? '')).data
  } catch {
    return undefined
  }
}
