import { sandboxes, sandboxTemplates } from '../../src/api/index.ts'
import {
  type ApiClient,
  isNotFound,
  type KubernetesObject,
  networkPolicies,
  type OwnerReference,
  pods,
  type ResourceType,
  refersTo,
  type Stored,
} from '../../src/controller/index.ts'

const types = [sandboxTemplates, sandboxes, pods] as ResourceType[]

/**
 * What Kubernetes' garbage collector would do in a namespace now, for Pods and network policies: what has owners, and none of them is there any more, is
 * deleted; of others, owners that are gone are taken out. `policies`: Pods have not come to their end yet.
 */
export async function collectGarbage(
  client: ApiClient,
  namespace: string,
  { policies = false }: { readonly policies?: boolean } = {}
): Promise<void> {
  const lives = async (owner: OwnerReference): Promise<boolean> => {
    const type = types.find((one) => refersTo(owner, one))
    if (!type) return true
    return client.get(type, { namespace, name: owner.name }).then(
      ({ metadata }) => metadata.uid === owner.uid,
      (error) => {
        if (!isNotFound(error)) throw error
        return false
      }
    )
  }
  const collect = async (type: ResourceType, object: Stored<KubernetesObject>) => {
    const owners = object.metadata.ownerReferences ?? []
    const dangling: OwnerReference[] = []
    for (const owner of owners) if (!(await lives(owner))) dangling.push(owner)
    const { uid } = object.metadata
    if (dangling.length === 0) return
    if (dangling.length === owners.length) await client.delete(type, object.metadata, { preconditions: { uid } })
    else {
      const ownerReferences = dangling.map((owner) => ({ $patch: 'delete', uid: owner.uid }))
      await client.patch(type, object.metadata, { type: 'strategic', body: { metadata: { uid, ownerReferences } } })
    }
  }
  for (const type of (policies ? [networkPolicies] : [pods, networkPolicies]) as ResourceType[])
    for (const object of (await client.list(type, { namespace })).items) await collect(type, object)
}
