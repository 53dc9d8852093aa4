/**
 * Label of every Pod we make: the uid of its Sandbox. The API's own label for that is a 32-bit hash of the name, which two Sandboxes of a namespace can
 * share, by chance or on purpose; this one they cannot. Services select by it when that has happened, see `NameHashes`.
 */
export const sandboxUidLabel = 'bulkhead.dev/sandbox-uid'
