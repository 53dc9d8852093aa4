import {
  type ApiClient,
  type ConfigMap,
  configMaps,
  Informer,
  type InformerOptions,
  systemClock,
} from '../../src/controller/index.ts'

/** A namespace's config maps, the ones a test made, and a way to wait for what is told of them. */
export function informed(client: ApiClient, options: Partial<InformerOptions<ConfigMap, never>> = {}) {
  const waiters = new Set<() => void>()
  const told: string[] = []
  const informer = new Informer<ConfigMap>({
    client,
    type: configMaps,
    namespace: 'default',
    clock: systemClock,
    backoff: { baseMs: 50, maxMs: 500 },
    ...options,
  })
  informer.onChange((change) => {
    const unseen = change.type === 'deleted' && change.unseen ? ' unseen' : ''
    told.push(`${change.type} ${change.object.metadata.name}${unseen}`)
    for (const waiter of [...waiters]) waiter()
  })
  informer.start()
  return {
    informer,
    told,
    /** Resolves when `holds` does; asked after each change. */
    until: async (holds: () => boolean) => {
      while (!holds()) {
        const { promise, resolve } = Promise.withResolvers<void>()
        waiters.add(resolve)
        await promise
        waiters.delete(resolve)
      }
    },
    /** Names and versions as the informer knows them. */
    known: () => new Map(informer.store.list().map(({ metadata }) => [metadata.name, metadata.resourceVersion])),
  }
}

/** Names and versions as the API server has them. */
export async function stored(client: ApiClient): Promise<Map<string, string>> {
  const { items } = await client.list(configMaps, { namespace: 'default' })
  return new Map(items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]))
}

/** Creates a config map; `value` is what makes two versions differ. */
export const configMap = (name: string, value = '0'): ConfigMap => ({
  metadata: { namespace: 'default', name },
  data: { value },
})

/** Runs `work` for each item, so many at once. */
export async function inParallel<Item>(
  items: Iterable<Item>,
  width: number,
  work: (item: Item) => Promise<unknown>
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  const lane = async () => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: width }, lane))
}
