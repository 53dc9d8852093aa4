import type { ApiClient, KubernetesObject, ResourceType, Stored } from '../../src/controller/index.ts'

/** A write that is about to be sent. */
export interface Write {
  readonly verb: 'create' | 'patch' | 'delete'
  readonly type: ResourceType
  readonly name: string
  readonly subresource?: string | undefined
}

/** Stands between a caller and the API server: sends the write, or does not, or does something else before or after. */
export type Interpose = (write: Write, send: () => Promise<Stored | undefined>) => Promise<Stored | undefined>

/** A client whose writes go through `interpose`, and so do those of the clients made from it. */
export function interposed(client: ApiClient, interpose: Interpose): ApiClient {
  const through = (write: Write, send: () => Promise<unknown>) =>
    interpose(write, send as () => Promise<Stored | undefined>)
  const own: Partial<Record<keyof ApiClient, unknown>> = {
    with: (...args: Parameters<ApiClient['with']>) => interposed(client.with(...args), interpose),
    create: (type: ResourceType, object: KubernetesObject, ...rest: []) =>
      through({ verb: 'create', type, name: object.metadata?.name ?? '' }, () => client.create(type, object, ...rest)),
    patch: (...args: Parameters<ApiClient['patch']>) => {
      const [type, { name }, , options] = args
      return through({ verb: 'patch', type, name, subresource: options?.subresource }, () => client.patch(...args))
    },
    delete: (...args: Parameters<ApiClient['delete']>) =>
      through({ verb: 'delete', type: args[0], name: args[1].name }, () => client.delete(...args)),
  }
  return new Proxy(client, {
    get: (target, property) => {
      if (Object.hasOwn(own, property)) return own[property as keyof ApiClient]
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
