import { operatorAccess, peopleAccess, routerAccess, witnessAccess } from './access.ts'
import { definitions } from './definitions.ts'
import type { Manifest, ManifestOptions } from './manifest.ts'
import { operatorManifests } from './operator.ts'
import { quarantineAdmission } from './quarantine-admission.ts'
import { routerManifests } from './router.ts'
import { witnessManifests, witnessNamespace } from './witness.ts'

/** What stays when the operator goes: without the kinds there are no Sandboxes, and objects may be in the namespace that are not ours. */
export const kindManifests = ({ namespace, witness }: ManifestOptions): Manifest[] => [
  {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: namespace,
      // Ours meet the standard; what else is put here is not refused for that.
      labels: { 'app.kubernetes.io/part-of': 'bulkhead', 'pod-security.kubernetes.io/warn': 'restricted' },
    },
  } as Manifest,
  ...(witness ? [witnessNamespace()] : []),
  ...(definitions as readonly unknown[] as Manifest[]),
]

/** What can be removed at any time: Sandboxes run on without. */
export const processManifests = (options: ManifestOptions): Manifest[] => [
  ...peopleAccess(),
  ...operatorAccess(options),
  ...operatorManifests(options),
  ...quarantineAdmission(options),
  ...(options.witness ? [...witnessAccess(), ...witnessManifests(options)] : []),
  ...(options.router ? [...routerAccess(options), ...routerManifests(options, options.router)] : []),
]

/** All that an installation consists of, in the order it is applied in. */
export const manifests = (options: ManifestOptions): Manifest[] => [
  ...kindManifests(options),
  ...processManifests(options),
]
