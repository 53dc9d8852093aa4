import { type Sandbox, type SandboxClaim, sandboxClaims, sandboxes } from '../api/index.ts'
import {
  isConflict,
  isNotFound,
  mergePatch,
  type ObjectName,
  type ReconcileResult,
  requeueAfter,
  type Stored,
} from '../controller/index.ts'
import type { ClaimWork } from './claim-work.ts'
import { lookAgainMs } from './take-member.ts'

/** Somebody waits for what these calls do. */
const lane = 'urgent'

/** The API server has another claim than this pass, or says so: if it does, the watch brings it back sooner. */
export const overtaken: ReconcileResult = requeueAfter(lookAgainMs, 'urgent')

/**
 * Changes the claim exactly as it was seen. Undefined when it is another by now, or gone: nothing was done then. That the watch will bring it back is
 * not certain: also what stands between can say 409.
 */
export async function patchClaim(
  { context: { client, caches } }: ClaimWork,
  { metadata }: Stored<SandboxClaim>,
  body: { readonly metadata?: object; readonly status?: object },
  signal: AbortSignal
): Promise<Stored<SandboxClaim> | undefined> {
  const { uid, resourceVersion } = metadata
  const patch = mergePatch({ ...body, metadata: { ...body.metadata, uid, resourceVersion } })
  try {
    const subresource = body.status ? 'status' : undefined
    const written = await client.patch(sandboxClaims, metadata, patch, { signal, lane, subresource })
    caches.claims.store.wrote(written)
    return written
  } catch (error) {
    return unlessChanged(metadata.name)(error)
  }
}

/** `body` names the version it is for. Undefined as in {@link patchClaim}. */
export async function patchSandbox(
  { context: { client, caches } }: ClaimWork,
  { metadata }: Stored<Sandbox>,
  body: object,
  signal: AbortSignal
): Promise<Stored<Sandbox> | undefined> {
  try {
    const written = await client.patch(sandboxes, metadata, mergePatch(body), { signal, lane })
    caches.sandboxes.store.wrote(written)
    return written
  } catch (error) {
    return unlessChanged(metadata.name)(error)
  }
}

/** As the API server has it. */
export async function readClaim(
  { context: { client, caches } }: ClaimWork,
  name: ObjectName,
  signal: AbortSignal
): Promise<Stored<SandboxClaim> | undefined> {
  const claim = await client.get(sandboxClaims, name, { signal, lane }).catch(unlessGone(name.name))
  if (claim) caches.claims.store.wrote(claim)
  return claim
}

/** As the API server has it. */
export async function readSandbox(
  { context: { client, caches } }: ClaimWork,
  name: ObjectName,
  signal: AbortSignal
): Promise<Stored<Sandbox> | undefined> {
  const sandbox = await client.get(sandboxes, name, { signal, lane }).catch(unlessGone(name.name))
  if (sandbox) caches.sandboxes.store.wrote(sandbox)
  return sandbox
}

/** Deletes this very Sandbox. That it is gone already is as good; a conflict is no proof of that. */
export async function deleteSandbox(
  { context: { client, caches } }: ClaimWork,
  sandbox: Stored<Sandbox>,
  signal: AbortSignal
): Promise<void> {
  const { uid, name } = sandbox.metadata
  const left = await client
    .delete(sandboxes, sandbox.metadata, { preconditions: { uid }, signal })
    .catch(unlessGone(name))
  if (left?.metadata.deletionTimestamp) caches.sandboxes.store.wrote(left)
  else caches.sandboxes.store.deleted(sandbox)
}

const unlessGone =
  (name: string) =>
  (error: unknown): undefined => {
    if (!isNotFound(error, name)) throw error
  }

const unlessChanged =
  (name: string) =>
  (error: unknown): undefined => {
    if (!isConflict(error) && !isNotFound(error, name)) throw error
  }
