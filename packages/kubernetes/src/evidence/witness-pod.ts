import type { KubernetesObject, Stored } from '../controller/index.ts'

/** What a witness reads of a Pod. */
export interface WitnessPod extends KubernetesObject {
  readonly spec: { readonly runtimeClassName?: string }
  readonly status: { readonly phase?: string }
}

const mirror = 'kubernetes.io/config.mirror'

/** The rest is dropped. */
export function witnessPod({ apiVersion, kind, metadata, spec, status }: Stored<WitnessPod>): Stored<WitnessPod> {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp, annotations } = metadata
  const config = annotations?.[mirror]
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      uid,
      resourceVersion,
      creationTimestamp,
      ...(namespace && { namespace }),
      ...(deletionTimestamp && { deletionTimestamp }),
      ...(config && { annotations: { [mirror]: config } }),
    },
    spec: spec?.runtimeClassName ? { runtimeClassName: spec.runtimeClassName } : {},
    status: status?.phase ? { phase: status.phase } : {},
  }
}
