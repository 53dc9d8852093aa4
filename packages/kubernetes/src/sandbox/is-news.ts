import { isDeepStrictEqual } from 'node:util'
import type { Sandbox } from '../api/index.ts'
import type { Change, StoredMeta } from '../controller/index.ts'
import { conditionOf } from './conditions-of.ts'
import { reason } from './wording.ts'

/**
 * Whether a change of a Sandbox is worth a pass. Only that an error has been written into its status is none: an error whose text is another each time
 * would otherwise bring the Sandbox back at once, write the next one, and so on, past the back-off.
 */
export function isNews({ type, object, old }: Change<Sandbox>): boolean {
  if (type !== 'updated' || !isDeepStrictEqual(wishes(old.metadata), wishes(object.metadata))) return true
  return conditionOf(object.status, 'Ready')?.reason !== reason.reconcilerError
}

/** All that is not status; `generation` stands for the spec. */
const wishes = ({ uid, generation, labels, annotations, ownerReferences, deletionTimestamp }: StoredMeta) => ({
  uid,
  generation,
  labels,
  annotations,
  ownerReferences,
  deletionTimestamp,
})
