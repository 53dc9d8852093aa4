import { sandboxClaims, sandboxes, sandboxTemplates, sandboxWarmPools } from '../../src/api/index.ts'
import {
  type ApiClient,
  apiVersionOf,
  isAlreadyExists,
  type ResourceType,
  resourceType,
} from '../../src/controller/index.ts'

const definitions = resourceType<{ metadata: { name: string }; spec: object }>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
})

/** Gives the API server our kinds without schemas: also what the schemas refuse can be stored. */
export async function installLooseKinds(client: ApiClient): Promise<void> {
  for (const type of [sandboxes, sandboxTemplates, sandboxClaims, sandboxWarmPools] as ResourceType[]) {
    await client.create(definitions, looseDefinition(type)).catch((error) => {
      if (!isAlreadyExists(error)) throw error
    })
    // Served a moment after it was accepted.
    while (!(await client.list(type).then(Boolean, () => false))) await new Promise((done) => setTimeout(done, 50))
  }
}

const looseDefinition = (type: ResourceType) => ({
  apiVersion: apiVersionOf(definitions),
  kind: definitions.kind,
  metadata: {
    name: `${type.plural}.${type.group}`,
    annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' },
  },
  spec: {
    group: type.group,
    scope: 'Namespaced',
    names: { plural: type.plural, singular: type.kind.toLowerCase(), kind: type.kind },
    versions: [
      {
        name: type.version,
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
              status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
            },
          },
        },
      },
    ],
  },
})
