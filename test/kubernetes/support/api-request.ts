/** What a request to an API server is about, read from its method and address. */
export interface ApiRequest {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'other'
  /** Plural; `leases`, `pods`. Empty for what is no resource: `/version`. */
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  /** Empty for a collection. */
  readonly name: string
}

const verbs = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const
const writing: ReadonlySet<string> = new Set(Object.values(verbs))

/** Whether it changes something. The leader's lease does not count: it is renewed whatever else happens. */
export const isWrite = ({ verb, resource }: ApiRequest): boolean => writing.has(verb) && resource !== 'leases'

/** `patch sandboxes/status ns/name`: for people. */
export const describeRequest = ({ verb, resource, subresource, namespace, name }: ApiRequest): string =>
  `${verb} ${resource}${subresource && `/${subresource}`} ${namespace && `${namespace}/`}${name}`

export function parseApiRequest(method: string, address: string): ApiRequest {
  const url = new URL(address, 'https://any')
  const parts = url.pathname.split('/').filter(Boolean)
  const rest = parts[0] === 'api' ? parts.slice(2) : parts[0] === 'apis' ? parts.slice(3) : []
  const namespaced = rest[0] === 'namespaces' && rest.length > 2
  const [resource = '', name = '', subresource = ''] = namespaced ? rest.slice(2) : rest
  const namespace = namespaced ? (rest[1] ?? '') : ''
  return { verb: verbOf(method, name, url.searchParams), resource, subresource, namespace, name }
}

function verbOf(method: string, name: string, query: URLSearchParams): ApiRequest['verb'] {
  if (method in verbs) return verbs[method as keyof typeof verbs]
  if (method !== 'GET') return 'other'
  if (query.get('watch') === 'true' || query.get('watch') === '1') return 'watch'
  return name ? 'get' : 'list'
}
