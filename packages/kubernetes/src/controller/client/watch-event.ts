import { ApiError, type ApiStatus } from './api-error.ts'
import type { KubernetesObject, Stored } from './kubernetes-object.ts'

export type WatchEvent<T extends KubernetesObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Stored<T> }
  /** Nothing happened; the watch has come as far as this version. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string }

/** The server sent what is no event. */
export class MalformedEventError extends Error {
  override readonly name = 'MalformedEventError'
}

/** One line of a watch. Throws {@link ApiError} for an ERROR event, {@link MalformedEventError} for what is none. */
export function parseWatchEvent<T extends KubernetesObject>(operation: string, line: string): WatchEvent<T> {
  const { type, object } = parseLine(operation, line)
  if (type === 'ERROR') {
    const status = object as ApiStatus
    throw new ApiError(operation, status.code ?? 500, status)
  }
  const { metadata } = object as { metadata?: { name?: unknown; resourceVersion?: unknown } }
  const version = metadata?.resourceVersion
  if (typeof version !== 'string') throw new MalformedEventError(`${operation}: an event without a resource version`)
  if (type === 'BOOKMARK') return { type, resourceVersion: version }
  if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED')
    throw new MalformedEventError(`${operation}: an event of the unknown type ${JSON.stringify(type)}`)
  if (typeof metadata?.name !== 'string') throw new MalformedEventError(`${operation}: an object without a name`)
  return { type, object: object as Stored<T> }
}

function parseLine(operation: string, line: string): { type: unknown; object: object } {
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch (cause) {
    throw new MalformedEventError(`${operation}: a line that is no JSON`, { cause })
  }
  const { type, object } = (parsed ?? {}) as { type?: unknown; object?: unknown }
  if (typeof object !== 'object' || object === null)
    throw new MalformedEventError(`${operation}: an event without an object`)
  return { type, object }
}
