/** One step of a JSON patch (RFC 6902). */
export type JsonPatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'move' | 'copy'; readonly from: string; readonly path: string }

/** A change of an object, in one of the forms the API server knows. */
export type Patch =
  /** RFC 7386: members are set, null removes, lists are replaced whole. With `metadata.resourceVersion` or `uid` in it, only that object is changed. */
  | { readonly type: 'merge'; readonly body: object }
  | { readonly type: 'json'; readonly body: readonly JsonPatchOperation[] }
  /** Server-side apply: what `fieldManager` wants to be there; what it wanted before and no longer names is removed. `force` takes fields from others. */
  | { readonly type: 'apply'; readonly body: object; readonly force?: boolean }
  /** Knows how lists of core kinds merge; refused for custom resources. */
  | { readonly type: 'strategic'; readonly body: object }

export const mergePatch = (body: object): Patch => ({ type: 'merge', body })
export const jsonPatch = (...body: JsonPatchOperation[]): Patch => ({ type: 'json', body })
export const applyPatch = (body: object, { force = false } = {}): Patch => ({ type: 'apply', body, force })

export const patchContentType: Readonly<Record<Patch['type'], string>> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  // JSON is YAML.
  apply: 'application/apply-patch+yaml',
  strategic: 'application/strategic-merge-patch+json',
}

/** A member's name as a part of a JSON pointer (RFC 6901): label keys have slashes. */
export const pointer = (...names: string[]): string =>
  names.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
