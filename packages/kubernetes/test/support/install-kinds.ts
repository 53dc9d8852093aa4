import { setTimeout as sleep } from 'node:timers/promises'
import {
  isolationPolicies,
  nodeWitnesses,
  quarantines,
  sandboxClaims,
  sandboxes,
  sandboxTemplates,
  sandboxWarmPools,
} from '../../src/api/index.ts'
import {
  type ApiClient,
  isAlreadyExists,
  isNotFound,
  type ResourceType,
  resourceType,
} from '../../src/controller/index.ts'
import { type CustomResourceDefinition, definitions } from '../../src/manifests/definitions.ts'

export const customResourceDefinitions = resourceType<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
})

/** Gives the API server our kinds as a cluster gets them, with schemas, defaults and rules. */
export async function installKinds(client: ApiClient): Promise<void> {
  for (const definition of definitions) {
    await client.create(customResourceDefinitions, definition).catch((error) => {
      if (!isAlreadyExists(error)) throw error
    })
  }
  for (const type of [
    sandboxes,
    sandboxTemplates,
    sandboxClaims,
    sandboxWarmPools,
    isolationPolicies,
    nodeWitnesses,
    quarantines,
  ] as ResourceType[]) {
    // Served a moment after it was accepted.
    while (!(await client.list(type).then(Boolean, notYet))) await sleep(50)
  }
}

const notYet = (error: unknown): false => {
  if (isNotFound(error)) return false
  throw error
}
