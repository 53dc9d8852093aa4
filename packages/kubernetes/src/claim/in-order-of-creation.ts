import {
  type Change,
  type ChangeHandler,
  type ChangeSource,
  compareResourceVersions,
  type KubernetesObject,
  type Logger,
  objectKey,
  type Stored,
} from '../controller/index.ts'

/**
 * The same changes; what there is at the beginning is told in the order it was created in, and not in that of its names: after a restart, who has waited
 * longest is served first. Within the same second, the version of an object that nothing has changed since tells which was first.
 */
export function inOrderOfCreation<T extends KubernetesObject>(
  source: ChangeSource<T> & { readonly hasSynced: boolean },
  log: Logger
): ChangeSource<T> {
  const told = Promise.withResolvers<void>()
  // Whoever does not wait for it does not have to handle its failure.
  told.promise.catch(() => {})
  const onChange = (handler: ChangeHandler<T>): Disposable => {
    let early: Change<T>[] | undefined = []
    const registration = source.onChange((change) => {
      if (early) early.push(change)
      else handler(change)
    })
    const tell = () => {
      const changes = (early ?? []).toSorted((a, b) => compareCreation(a.object, b.object))
      early = undefined
      for (const change of changes) {
        try {
          handler(change)
        } catch (err) {
          // As an informer does: what is wrong with one says nothing of the others.
          const facts = { resource: change.object.kind, change: change.type, key: objectKey(change.object), err }
          log.error(facts, 'informer.handler_failed')
        }
      }
      told.resolve()
    }
    if (source.hasSynced) tell()
    else source.synced.then(tell, told.reject)
    return registration
  }
  return { synced: told.promise, onChange }
}

function compareCreation({ metadata: a }: Stored, { metadata: b }: Stored): number {
  if (a.creationTimestamp !== b.creationTimestamp) return a.creationTimestamp < b.creationTimestamp ? -1 : 1
  return compareResourceVersions(a.resourceVersion, b.resourceVersion) ?? 0
}
