import {
  sandboxClaims,
  sandboxes,
  sandboxTemplates,
  sandboxWarmPools,
} from '../../../packages/kubernetes/src/api/index.ts'
import {
  type ApiClient,
  mergePatch,
  type ResourceType,
  resourceType,
} from '../../../packages/kubernetes/src/controller/index.ts'
import { definitions as ownDefinitions } from '../../../packages/kubernetes/src/manifests/index.ts'

import { until } from './until.ts'

interface Definition {
  readonly metadata: { readonly name: string }
  readonly spec: { readonly versions: readonly Version[] }
}

interface Version {
  readonly name: string
  readonly schema: object
  readonly subresources?: object
}

const definitions = resourceType<Definition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
})

export const ourKinds = [sandboxes, sandboxTemplates, sandboxClaims, sandboxWarmPools] as readonly ResourceType[]

/** Gives the cluster the kinds that the operator serves, and returns when it serves them. */
export async function installKinds(client: ApiClient): Promise<void> {
  for (const definition of ownDefinitions) await client.create(definitions, definition as Definition)
  for (const type of ourKinds) await until(`${type.kind} is served`, () => client.list(type).then(Boolean, () => false))
}

const anything = {
  openAPIV3Schema: {
    type: 'object',
    properties: {
      spec: { 'x-kubernetes-preserve-unknown-fields': true },
      status: { 'x-kubernetes-preserve-unknown-fields': true },
    },
  },
}

/** While it is not disposed of, the API server stores objects of our kinds whatever they look like. */
export async function dropSchemas(client: ApiClient, namespace: string): Promise<AsyncDisposable> {
  const own = await Promise.all(
    ourKinds.map(({ plural, group }) => client.get(definitions, { name: `${plural}.${group}` }))
  )
  const change = (versionOf: (version: Version) => Version) =>
    Promise.all(
      own.map(({ metadata, spec }) => {
        const versions = spec.versions.map(versionOf)
        return client.patch(definitions, metadata, mergePatch({ spec: { versions } }))
      })
    )
  // The subresource `scale` wants replicas to be a number, whatever the schema says.
  await change((version) => ({ ...version, schema: anything, subresources: { status: {} } }))
  // Served a moment after it was accepted.
  for (const type of ourKinds) {
    const probe = { metadata: { namespace, name: 'probe' }, spec: 'of no shape' } as object
    await until(`${type.kind} may look like anything`, () =>
      client.create(type, probe, { dryRun: true }).then(Boolean, () => false)
    )
  }
  return {
    [Symbol.asyncDispose]: async () => {
      await change((version) => version)
    },
  }
}
