/** Keys of this server's own on objects of the API. */
export const key = Object.freeze({
  /** Label on claims, templates, pools and Pods that this server has made; its value is always {@link ours}. */
  managed: 'bulkhead.dev/managed-by',
  /** Annotation on a claim: what this server knows of the sandbox, see `SandboxRecord`. */
  record: 'bulkhead.dev/sandbox',
  /** Annotation on a template: the image's reference as Pods name it. */
  image: 'bulkhead.dev/image',
})

export const ours = 'bulkhead-server'

/** Selects all of them. */
export const oursSelector = `${key.managed}=${ours}`
