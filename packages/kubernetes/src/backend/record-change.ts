import type { SandboxClaim } from '../api/index.ts'
import { type JsonPatchOperation, type Patch, pointer, type Stored } from '../controller/index.ts'
import { key } from './keys.ts'
import { recordText, type SandboxRecord } from './sandbox-record.ts'

/** What is to be changed of a claim in one write. */
export interface RecordChange {
  readonly record?: SandboxRecord
  /** ms since 1970; null: none; undefined: as it is. What has ended by it stays, to be read. */
  readonly shutdownAtMs?: number | null
}

const recordPath = pointer('metadata', 'annotations', key.record)
const lifecyclePath = pointer('spec', 'lifecycle')

/** Only while the record is as it was seen: servers share nothing else. Refused with `Invalid` (422) where it is not. */
export function recordPatch(claim: Stored<SandboxClaim>, { record, shutdownAtMs }: RecordChange): Patch {
  const body: JsonPatchOperation[] = [
    { op: 'test', path: pointer('metadata', 'uid'), value: claim.metadata.uid },
    { op: 'test', path: recordPath, value: claim.metadata.annotations?.[key.record] },
  ]
  if (record) body.push({ op: 'replace', path: recordPath, value: recordText(record) })
  if (shutdownAtMs === null && claim.spec.lifecycle) body.push({ op: 'remove', path: lifecyclePath })
  if (typeof shutdownAtMs === 'number')
    body.push({
      op: 'add',
      path: lifecyclePath,
      value: { shutdownTime: new Date(shutdownAtMs).toISOString(), shutdownPolicy: 'Retain' },
    })
  return { type: 'json', body }
}
