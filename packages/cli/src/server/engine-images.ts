import type { ImageStore } from '@bulkhead/engine'
import { imageSummary, ImageStore as Store } from '@bulkhead/images'

/** The image store, as the engine asks for it. */
export function imagesOf(folder: string): ImageStore {
  const store = new Store(folder)
  return {
    resolve: (name) => store.resolve(name),
    list: async () => (await store.list()).map(imageSummary),
    pull: async (reference, progress, signal) => imageSummary(await store.pull(reference, progress, signal)),
    remove: async (name, inUse) => imageSummary(await store.remove(name, inUse)),
    prune: async (inUse) => (await store.prune(inUse)).map(imageSummary),
  }
}
