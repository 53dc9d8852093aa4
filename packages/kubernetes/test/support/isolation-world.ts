import { type IsolationPolicySpec, isolationPolicies, type PodSpec } from '../../src/api/index.ts'
import {
  type ApiClient,
  ApiError,
  findCondition,
  namespaces,
  type ObjectMeta,
  type Pod,
  pods,
  type RuntimeClass,
  resourceType,
  runtimeClasses,
  type Stored,
} from '../../src/controller/index.ts'

export const image = 'example.test/image'

/** A Pod's spec that meets every policy of these tests with minimumClass userspace. */
export const compliant: PodSpec = {
  runtimeClassName: 'gvisor',
  automountServiceAccountToken: false,
  securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
  containers: [{ name: 'main', image }],
}

/** Of a cluster with gVisor and Kata. */
export const knownRuntimes: IsolationPolicySpec['runtimeClasses'] = [
  { name: 'gvisor', class: 'userspace' },
  { name: 'kata', class: 'hardware' },
]

export const serviceAccounts = resourceType({
  group: '',
  version: 'v1',
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
  namespaced: true,
})

/** What an overhead does to a Pod is seen: the RuntimeClass of a default must be treated as one that was named. */
export const gvisorOverhead = { memory: '64Mi' }

export async function createRuntimeClasses(client: ApiClient): Promise<void> {
  const classes: RuntimeClass[] = [
    { metadata: { name: 'gvisor' }, handler: 'runsc', overhead: { podFixed: gvisorOverhead } },
    { metadata: { name: 'kata' }, handler: 'kata' },
    { metadata: { name: 'runc' }, handler: 'runc' },
  ]
  for (const one of classes) await client.create(runtimeClasses, one)
}

/** With the service account that Pods are given. */
export async function createNamespace(
  client: ApiClient,
  name: string,
  labels: Readonly<Record<string, string>> = {}
): Promise<void> {
  await client.create(namespaces, { metadata: { name, labels } })
  await client.create(serviceAccounts, { metadata: { namespace: name, name: 'default' } })
}

/** What a test's Pod has in place of what a compliant one has; undefined: nothing. */
export type PodPart = { readonly [Field in keyof PodSpec]?: PodSpec[Field] | undefined }

export const createPod = (
  client: ApiClient,
  namespace: string,
  spec: PodPart,
  metadata: ObjectMeta = {},
  dryRun = false
): Promise<Stored<Pod>> =>
  client.create(
    pods,
    {
      metadata: { ...(!metadata.name && { generateName: 'pod-' }), ...metadata, namespace },
      spec: { ...compliant, ...spec } as PodSpec,
    },
    { dryRun }
  )

/** Why a request was refused by a policy of ours; undefined: it was not. Fails as it does for other reasons. */
export async function refusal(request: Promise<unknown>): Promise<string | undefined> {
  try {
    await request
    return undefined
  } catch (error) {
    const [, text] = (error instanceof ApiError && /denied request: (IsolationPolicy .*)$/.exec(error.message)) || []
    if (text === undefined) throw error
    return text
  }
}

export async function createPolicy(
  client: ApiClient,
  name: string,
  spec: Partial<IsolationPolicySpec> & Pick<IsolationPolicySpec, 'namespaceSelector'>
): Promise<void> {
  await client.create(isolationPolicies, { metadata: { name }, spec: { runtimeClasses: knownRuntimes, ...spec } })
}

/** The condition Ready of a policy, as it is now. */
export const readyOf = async (client: ApiClient, name: string) =>
  findCondition((await client.get(isolationPolicies, { name })).status?.conditions, 'Ready')
