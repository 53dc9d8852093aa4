import { annotation, type EmbeddedMetadata, label, type SandboxClaim } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import { invalidMetadata, reconcilerError } from './claim-refused.ts'

type Texts = Readonly<Record<string, string>>

/** The part of a key after its prefix, and values of labels (apimachinery, `IsQualifiedName`, `IsValidLabelValue`). */
const namePart = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/
const prefixPart = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/
/** Kubernetes and the API read their own annotations: with them a claim could do what its author may not. */
const closedAnnotationDomains = ['kubernetes.io', 'k8s.io', 'agents.x-k8s.io']

/** Throws `InvalidMetadata` for what a claim must not put on a Pod. No label without a prefix passes, and so not the `app` by which routers are let in. */
export function checkAdditionalPodMetadata(metadata: EmbeddedMetadata = {}, allowedDomains: readonly string[]): void {
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    const domain = checkedDomain('label', key)
    if (!domain || !allowedDomains.some((allowed) => isWithin(domain, allowed)))
      throw invalidMetadata(`label "${key}" is not allowed: its prefix must be in ${allowedDomains.join(', ')}`)
    if (typeof value !== 'string' || (value !== '' && !namePart.test(value)))
      throw invalidMetadata(`label "${key}" has an invalid value ${JSON.stringify(value)}`)
  }
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
    const domain = checkedDomain('annotation', key)
    if (key !== annotation.safeToEvict && domain && closedAnnotationDomains.some((closed) => isWithin(domain, closed)))
      throw invalidMetadata(`annotation "${key}" is not allowed: its domain is reserved`)
    if (typeof value !== 'string') throw invalidMetadata(`annotation "${key}" has a value that is not text`)
  }
}

/** The prefix of a well-formed key; undefined when it has none. */
function checkedDomain(what: string, key: string): string | undefined {
  const parts = key.split('/')
  const name = parts.pop() ?? ''
  const [domain] = parts
  if (parts.length > 1 || !namePart.test(name) || (domain !== undefined && !prefixPart.test(domain)))
    throw invalidMetadata(`${what} key "${key}" is malformed`)
  return domain
}

const isWithin = (domain: string, other: string): boolean => domain === other || domain.endsWith(`.${other}`)

/**
 * What the podTemplate of a claim's Sandbox says of its Pod: the template's own, the claim's, and by whom it was claimed. Throws when the claim wants a
 * key to be other than the template.
 */
export function claimedPodMetadata(
  base: EmbeddedMetadata = {},
  { metadata, spec }: Stored<SandboxClaim>,
  refHash: string
): Required<EmbeddedMetadata> {
  const { labels, annotations } = spec.additionalPodMetadata ?? {}
  const createdBy = metadata.labels?.[label.createdBy]
  return {
    labels: {
      ...added('label', base.labels, labels),
      [label.claimUid]: metadata.uid,
      [label.sandboxTemplateRefHash]: refHash,
      ...(createdBy !== undefined && { [label.createdBy]: createdBy }),
    },
    annotations: added('annotation', base.annotations, annotations),
  }
}

function added(what: string, base: Texts = {}, more: Texts = {}): Texts {
  for (const [key, value] of Object.entries(more)) {
    if (Object.hasOwn(base, key) && base[key] !== value)
      throw reconcilerError(`${what} "${key}" has another value in the SandboxTemplate`, 'onInput')
  }
  return { ...base, ...more }
}
