import { isControlledBy, objectKey } from '../controller/index.ts'
import { expiredStatus, isMarkedExpired, retainedStatus } from './plan-expiry.ts'
import { ownedPods, remove, type SandboxPass } from './sandbox-pass.ts'
import { writeStatus } from './status-step.ts'

/** Between saying that a Sandbox has expired and ending it: whoever watches sees both. */
const cleanUpMs = 1

/** Says that the Sandbox has expired; then ends its Pod and Service, and the Sandbox itself if that is its policy. */
export async function expire(pass: SandboxPass): Promise<void> {
  const { context, sandbox } = pass
  const status = expiredStatus(sandbox, context.clock.wall())
  if (!isMarkedExpired(sandbox.status)) {
    await writeStatus(pass, sandbox, status)
    pass.lookAgainIn(cleanUpMs)
    return
  }
  for (const pod of ownedPods(pass)) {
    if (!pod.metadata.deletionTimestamp) await remove(pass, context.caches.pods, pod)
  }
  const service = context.caches.services.store.get(objectKey(sandbox))
  if (service && isControlledBy(service, sandbox) && !service.metadata.deletionTimestamp)
    await remove(pass, context.caches.services, service)
  if (sandbox.spec.shutdownPolicy === 'Delete') await remove(pass, context.caches.sandboxes, sandbox)
  else await writeStatus(pass, sandbox, retainedStatus(status))
}
