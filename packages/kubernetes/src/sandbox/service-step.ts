import { sandboxes } from '../api/index.ts'
import {
  controllerReference,
  isAlreadyExists,
  isInvalid,
  objectKey,
  type Service,
  type Stored,
  services,
} from '../controller/index.ts'
import { buildService, isGuarded } from './build-service.ts'
import { conditionOf } from './conditions-of.ts'
import { tellOfCollision } from './narrow-services.ts'
import { NotOursError, OvertakenError } from './pass-errors.ts'
import { canNameService, planService } from './plan-service.ts'
import { change, ownerAdded, read, remove, type SandboxPass } from './sandbox-pass.ts'
import { eventReason, message } from './wording.ts'

/** Brings the Service in line. Returns it when there is one that can be used. */
export async function ensureService(pass: SandboxPass): Promise<Stored<Service> | undefined> {
  const { context, sandbox } = pass
  const cached = context.caches.services.store.get(objectKey(sandbox))
  // One that has lost its label is not in the cache; the status knows that there was one.
  const mayHideOne = sandbox.status?.service !== undefined && sandbox.spec.service !== true
  const live = cached ?? (mayHideOne ? await read(pass, services, sandbox.metadata) : undefined)
  return act(pass, live)
}

async function act(pass: SandboxPass, live: Stored<Service> | undefined): Promise<Stored<Service> | undefined> {
  const { context, hashes, sandbox } = pass
  const { uid } = sandbox.metadata
  const guarded = hashes.others(sandbox).length > 0 || (live !== undefined && isGuarded(live, uid))
  const plan = planService(sandbox, live, guarded)
  if (plan.kind === 'refuse') throw new NotOursError(plan.error)
  if (plan.kind === 'create') return create(pass, guarded)
  if (plan.kind === 'none' || !live) return undefined
  // It will be made anew when it is gone.
  if (live.metadata.deletionTimestamp) return undefined
  if (plan.kind === 'delete') return void (await remove(pass, context.caches.services, live))
  if (plan.kind === 'use' && !plan.drift) return live
  const owner = plan.kind === 'adopt' ? ownerAdded(live, controllerReference(sandboxes, sandbox)) : {}
  const patch = { ...plan.drift, metadata: { ...plan.drift?.metadata, ...owner } }
  const inLine = await change(pass, context.caches.services, live, patch)
  if (guarded && !isGuarded(live, uid)) tellOfCollision(pass, sandbox, hashes.others(sandbox))
  return inLine
}

async function create(pass: SandboxPass, guarded: boolean): Promise<Stored<Service> | undefined> {
  const { context, memory, hashes, sandbox, call } = pass
  const { uid, name } = sandbox.metadata
  if (memory.withoutService.has(uid)) return undefined
  if (!canNameService(name)) return tellOfName(pass)
  try {
    const made = await context.client.create(services, buildService(sandbox, guarded), call)
    context.caches.services.store.wrote(made)
    if (guarded) tellOfCollision(pass, sandbox, hashes.others(sandbox))
    return made
  } catch (error) {
    // Older API servers want a letter first.
    if (isInvalid(error) && error.details?.causes?.some(({ field }) => field === 'metadata.name'))
      return tellOfName(pass)
    if (!isAlreadyExists(error)) throw error
  }
  const inTheWay = await read(pass, services, sandbox.metadata)
  if (!inTheWay) throw new OvertakenError(`Service "${name}" is gone`)
  return act(pass, inTheWay)
}

/** Trying again would not help: a Sandbox keeps its name. Once its status says that there is no Service, people have been told. */
function tellOfName({ context, memory, sandbox }: SandboxPass): undefined {
  memory.withoutService.add(sandbox.metadata.uid)
  if (conditionOf(sandbox.status, 'Ready')?.message.endsWith(message.serviceMissing)) return
  context.recorders.sandbox.record(sandbox, {
    type: 'Warning',
    reason: eventReason.serviceNameInvalid,
    action: 'CreateService',
    note: `No Service can be named "${sandbox.metadata.name}": it takes at most 63 letters, digits and dashes. The Sandbox goes without one; its Pod can be reached by its podIPs`,
  })
}
