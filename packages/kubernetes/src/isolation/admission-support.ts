import { type ApiClient, isNotFound } from '../controller/index.ts'
import {
  admissionGroup,
  type MutatingVersion,
  mutatingPolicies,
  mutatingVersions,
  validatingPolicies,
} from './admission-resources.ts'

/** Which kinds of admission policies the API server serves. */
export interface AdmissionSupport {
  readonly validating: boolean
  /** Undefined: it has none, or serves only versions that promise nothing. */
  readonly mutating: MutatingVersion | undefined
}

/** Asks the API server. */
export async function admissionSupport(client: ApiClient, signal: AbortSignal): Promise<AdmissionSupport> {
  const mutating: MutatingVersion[] = []
  for (const version of mutatingVersions)
    if ((await served(client, version, signal)).has(mutatingPolicies(version).plural)) mutating.push(version)
  const validating = await served(client, validatingPolicies.version, signal)
  return { validating: validating.has(validatingPolicies.plural), mutating: mutating[0] }
}

/** Plurals of the group's kinds in a version; none when it is not served. */
async function served(client: ApiClient, version: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  try {
    const list = (await client.getRaw(`/apis/${admissionGroup}/${version}`, { signal })) as ResourceList
    return new Set(list.resources?.map(({ name }) => name))
  } catch (error) {
    if (isNotFound(error)) return new Set()
    throw error
  }
}

/** metav1.APIResourceList. */
interface ResourceList {
  readonly resources?: readonly { readonly name: string }[]
}
