/** A live version as the API server writes it: a decimal number of any length. "0" is not one: in a request it means "any". */
const comparable = /^[1-9][0-9]*$/

/**
 * Negative when `a` is older than `b`, 0 when they are the same, undefined when they cannot be compared.
 *
 * A resource version was an opaque text for long, good for equality only. Since Kubernetes 1.35 (KEP-5504) the API promises that versions of one
 * resource type are decimal numbers, of any length, that grow with time; before that, every server that stores in etcd did so without a promise.
 * An aggregated API server may still hand out something else, and then nothing here is guessed. Rule: apimachinery's `CompareResourceVersion`.
 * Versions of different resource types must not be compared.
 */
export function compareResourceVersions(a: string, b: string): number | undefined {
  if (!comparable.test(a) || !comparable.test(b)) return undefined
  if (a.length !== b.length) return a.length - b.length
  return a < b ? -1 : a > b ? 1 : 0
}
