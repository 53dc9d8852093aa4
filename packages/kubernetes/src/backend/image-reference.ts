import { failure } from '@bulkhead/wire'

export interface ImageNames {
  /** What `default` stands for. */
  readonly defaultImage: string
  /** Registry, and perhaps a path in it, of names without one. Undefined: the nodes' container runtime knows (Docker Hub). */
  readonly registry?: string | undefined
}

/** Distribution's grammar (reference.go), as far as a wrong one would name something else than it seems: nodes check the rest. */
const reference =
  /^(?<domain>(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?\/)?(?<path>[a-z0-9]+(?:[._-]+[a-z0-9]+|\/[a-z0-9]+)*)(?<tag>:\w[\w.-]{0,127})?(?<digest>@sha256:[0-9a-f]{64})?$/

const maxLength = 512

/** The reference that Pods name the image by. Fails `image_reference_invalid`: also for files of one machine, which no node has. */
export function podImage(name: string, { defaultImage, registry }: ImageNames): string {
  if (name === 'default') return defaultImage
  if (/^(oci|docker-archive|oci-archive):/.test(name))
    throw invalid(name, 'a cluster takes images from registries alone; push it to one')
  const groups = name.length <= maxLength ? reference.exec(name)?.groups : undefined
  if (!groups) throw invalid(name, 'it is not written as NAME[:TAG] or NAME@sha256:DIGEST')
  return registry && !namesRegistry(groups.domain) ? `${registry}/${name}` : name
}

/** `library/debian` has no registry; `localhost/debian`, `a.b/debian` and `a:5000/debian` have. */
const namesRegistry = (domain = ''): boolean => /[.:]|^localhost\/$/.test(domain)

const invalid = (text: string, problem: string) => failure('image_reference_invalid', { reference: text, problem })
