import { sandboxes } from '../api/index.ts'
import {
  controllerReference,
  isAlreadyExists,
  mergePatch,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
} from '../controller/index.ts'
import { buildVolumeClaims } from './build-volume-claims.ts'
import { decideOwnership } from './ownership.ts'
import { endsPass, joined, NotOursError, OvertakenError } from './pass-errors.ts'
import { isSuspended } from './plan-status.ts'
import { ownedPods, ownerAdded, read, type SandboxPass } from './sandbox-pass.ts'

/**
 * Sees to it that the volume claims are there. They are not watched: while a Pod mounts them they cannot go away, so they are looked at once in
 * the life of this process, and again whenever a Pod is to be made.
 */
export async function ensureVolumeClaims(pass: SandboxPass): Promise<void> {
  const { sandbox, memory } = pass
  const { uid } = sandbox.metadata
  const wanted = buildVolumeClaims(sandbox)
  if (wanted.length === 0) return
  const makesPod = !isSuspended(sandbox) && ownedPods(pass).length === 0
  if (memory.volumesInPlace.has(uid) && !makesPod) return
  memory.volumesInPlace.delete(uid)
  const results = await Promise.allSettled(wanted.map((claim) => ensure(pass, claim)))
  const failed = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason)
  if (failed.length > 0) throw failed.find(endsPass) ?? joined(failed)
  memory.volumesInPlace.add(uid)
}

async function ensure(pass: SandboxPass, claim: PersistentVolumeClaim): Promise<void> {
  const { context, sandbox, call } = pass
  const { namespace, name = '' } = claim.metadata ?? {}
  // Of a new Sandbox nothing is there yet; of one that has a status, everything should be.
  const isNew = !sandbox.status?.conditions
  const known = isNew ? undefined : await read(pass, persistentVolumeClaims, { namespace, name })
  if (!known) {
    try {
      await context.client.create(persistentVolumeClaims, claim, call)
      return
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
    }
  }
  const live = known ?? (await read(pass, persistentVolumeClaims, { namespace, name }))
  if (!live) throw new OvertakenError(`PersistentVolumeClaim "${name}" is gone`)
  const ownership = decideOwnership(live, sandbox)
  if (ownership.kind === 'refuse') throw new NotOursError(ownership.error)
  if (live.metadata.deletionTimestamp) throw new Error(`PersistentVolumeClaim "${name}" is being deleted`)
  if (ownership.kind === 'own') return
  const metadata = ownerAdded(live, controllerReference(sandboxes, sandbox))
  await context.client.patch(persistentVolumeClaims, live.metadata, mergePatch({ metadata }), call)
}
