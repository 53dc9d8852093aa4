import type { V1CustomResourceDefinition } from '@kubernetes/client-node'
import type { AsJson } from '../controller/index.ts'
import sandboxes from './crds/agents.x-k8s.io_sandboxes.json' with { type: 'json' }
import isolationPolicies from './crds/bulkhead.dev_isolationpolicies.json' with { type: 'json' }
import nodeWitnesses from './crds/bulkhead.dev_nodewitnesses.json' with { type: 'json' }
import quarantines from './crds/bulkhead.dev_quarantines.json' with { type: 'json' }
import sandboxClaims from './crds/extensions.agents.x-k8s.io_sandboxclaims.json' with { type: 'json' }
import sandboxTemplates from './crds/extensions.agents.x-k8s.io_sandboxtemplates.json' with { type: 'json' }
import sandboxWarmPools from './crds/extensions.agents.x-k8s.io_sandboxwarmpools.json' with { type: 'json' }

export type CustomResourceDefinition = AsJson<V1CustomResourceDefinition> & {
  readonly metadata: { readonly name: string }
}

/** All kinds, made from packages/kubernetes/crd by tools/generate.ts. */
export const definitions: readonly CustomResourceDefinition[] = [
  sandboxes,
  sandboxTemplates,
  sandboxClaims,
  sandboxWarmPools,
  isolationPolicies,
  quarantines,
  nodeWitnesses,
] as unknown as readonly CustomResourceDefinition[]
