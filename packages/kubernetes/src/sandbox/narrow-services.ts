import { type Sandbox, sandboxes } from '../api/index.ts'
import { controllerOf, keyOf, objectKey, refersTo, type Stored } from '../controller/index.ts'
import { isGuarded } from './build-service.ts'
import { placeOf } from './name-hashes.ts'
import { change, type SandboxPass } from './sandbox-pass.ts'
import { sandboxUidLabel } from './sandbox-uid-label.ts'
import { eventReason } from './wording.ts'

/**
 * Before a Pod is made: Services of other Sandboxes that would select it, because the names have the same hash, are narrowed to their own Pods. See
 * `NameHashes`.
 */
export async function narrowServicesOfOthers(pass: SandboxPass): Promise<void> {
  const { context, sandbox } = pass
  for (const service of context.caches.services.store.by('hash', placeOf(sandbox))) {
    const owner = controllerOf(service)
    if (!owner || !refersTo(owner, sandboxes) || owner.uid === sandbox.metadata.uid) continue
    if (isGuarded(service, owner.uid)) continue
    await change(pass, context.caches.services, service, { spec: { selector: { [sandboxUidLabel]: owner.uid } } })
    const other = context.caches.sandboxes.store.get(keyOf({ ...service.metadata, name: owner.name }))
    if (other?.metadata.uid === owner.uid) tellOfCollision(pass, other, [objectKey(sandbox)])
  }
}

export function tellOfCollision({ context }: SandboxPass, of: Stored<Sandbox>, others: readonly string[]): void {
  const whose = others.length > 0 ? others.join(', ') : 'another Sandbox'
  context.recorders.sandbox.record(of, {
    type: 'Warning',
    reason: eventReason.nameHashCollision,
    action: 'NarrowService',
    note: `The name has the same hash as that of ${whose}: the Service selects by the label ${sandboxUidLabel} too`,
  })
}
