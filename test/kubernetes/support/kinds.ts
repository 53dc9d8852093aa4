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
import { installLooseKinds } from '../../../packages/kubernetes/test/support/loose-kinds.ts'

interface Definition {
  readonly metadata: { readonly name: string }
  readonly spec: { readonly versions: readonly { readonly name: string; readonly schema: object }[] }
}

const definitions = resourceType<Definition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
})

export const ourKinds = [sandboxes, sandboxTemplates, sandboxClaims, sandboxWarmPools] as readonly ResourceType[]

/** Gives the cluster the kinds that the operator serves. */
export const installKinds = (client: ApiClient): Promise<void> => installLooseKinds(client)

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
  const setSchemas = (schemaOf: (version: { readonly schema: object }) => object) =>
    Promise.all(
      own.map(({ metadata, spec }) => {
        const versions = spec.versions.map((version) => ({ ...version, schema: schemaOf(version) }))
        return client.patch(definitions, metadata, mergePatch({ spec: { versions } }))
      })
    )
  await setSchemas(() => anything)
  // Served a moment after it was accepted.
  for (const type of ourKinds) {
    const probe = { metadata: { namespace, name: 'probe' }, spec: 'of no shape' } as object
    while (!(await client.create(type, probe, { dryRun: true }).then(Boolean, () => false)))
      await new Promise((done) => setTimeout(done, 50))
  }
  return {
    [Symbol.asyncDispose]: async () => {
      await setSchemas(({ schema }) => schema)
    },
  }
}
