import type { Sandbox } from '../api/index.ts'
import { controllerOf, type Service, type Stored } from '../controller/index.ts'
import { type ServiceDrift, serviceDrift } from './build-service.ts'
import { decideOwnership } from './ownership.ts'

export type ServicePlan =
  | { readonly kind: 'none' }
  | { readonly kind: 'create' }
  | { readonly kind: 'delete' }
  | { readonly kind: 'use'; readonly drift: ServiceDrift | undefined }
  /** `drift` goes into the same write. */
  | { readonly kind: 'adopt'; readonly drift: ServiceDrift | undefined }
  | { readonly kind: 'refuse'; readonly error: string }

/** `live`: what has the name of the Sandbox's Service. `guarded`: see `buildService`. */
export function planService(
  sandbox: Stored<Sandbox>,
  live: Stored<Service> | undefined,
  guarded: boolean
): ServicePlan {
  const wanted = sandbox.spec.service
  if (!live) return { kind: wanted ? 'create' : 'none' }
  const ownership = decideOwnership(live, sandbox)
  if (ownership.kind === 'own') {
    if (wanted === false) return { kind: 'delete' }
    return { kind: 'use', drift: serviceDrift(live, sandbox, guarded) }
  }
  if (wanted === false) return { kind: 'none' }
  if (wanted === undefined && !controllerOf(live)) return { kind: 'none' }
  if (ownership.kind === 'refuse') return ownership
  const { clusterIP = '' } = live.spec ?? {}
  // A Service with an address of its own was made for something else, and cannot be made headless.
  if (clusterIP !== '' && clusterIP !== 'None')
    return {
      kind: 'refuse',
      error: `cannot adopt unowned Service "${live.metadata.name}": its clusterIP is ${clusterIP}`,
    }
  return { kind: 'adopt', drift: serviceDrift(live, sandbox, guarded) }
}

/** A Service's name is a DNS label, a Sandbox's may be more. */
export const canNameService = (name: string): boolean => name.length <= 63 && !name.includes('.')
