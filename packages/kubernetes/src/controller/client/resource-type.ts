import type { KubernetesObject, ObjectName } from './kubernetes-object.ts'

/** What the API server calls a kind of object, and the TypeScript type of it. */
export interface ResourceType<T extends KubernetesObject = KubernetesObject> {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  /** Never set: it ties the type of the objects to this value. */
  readonly shape?: T
}

/** Usage: `const pods = resourceType<Pod>({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true })`. */
export const resourceType = <T extends KubernetesObject>(type: Omit<ResourceType, 'shape'>): ResourceType<T> =>
  Object.freeze({ ...type })

export const apiVersionOf = ({ group, version }: Pick<ResourceType, 'group' | 'version'>): string =>
  group ? `${group}/${version}` : version

/** The group of an `apiVersion`; empty for the core group. */
export const groupOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''

/** `pods`, `sandboxes.agents.x-k8s.io`: for logs and metrics. */
export const resourceLabel = ({ group, plural }: ResourceType): string => (group ? `${plural}.${group}` : plural)

/** Where all objects of a type are, in one namespace or in all. */
export function collectionPath(type: ResourceType, namespace: string | undefined): string {
  const root = type.group ? `/apis/${type.group}/${type.version}` : `/api/${type.version}`
  if (!namespace) return `${root}/${type.plural}`
  if (!type.namespaced) throw new TypeError(`${type.kind} is of cluster scope: it has no namespace ("${namespace}")`)
  return `${root}/namespaces/${segment(namespace)}/${type.plural}`
}

/** Where one object is, or a subresource of it. */
export function objectPath(type: ResourceType, { namespace, name }: ObjectName, subresource?: string): string {
  if (type.namespaced && !namespace) throw new TypeError(`${type.kind} "${name}" needs a namespace`)
  const path = `${collectionPath(type, namespace)}/${segment(name)}`
  return subresource ? `${path}/${segment(subresource)}` : path
}

/** The names the API server itself refuses in a path (apimachinery, `path.IsValidPathSegmentName`): with them a request would mean another object. */
function segment(text: string): string {
  if (text === '' || text === '.' || text === '..' || /[/%]/.test(text))
    throw new TypeError(`${JSON.stringify(text)} cannot be part of an object's address`)
  return encodeURIComponent(text)
}
