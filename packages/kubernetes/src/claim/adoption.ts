import {
  annotation,
  type EmbeddedMetadata,
  label,
  nameHash,
  type Sandbox,
  type SandboxClaim,
  type SandboxTemplate,
  sandboxClaims,
} from '../api/index.ts'
import { controllerReference, type Stored } from '../controller/index.ts'
import { claimedPodMetadata } from './pod-metadata.ts'

type Texts = Readonly<Record<string, string>>
type TextsPatch = Readonly<Record<string, string | null>>

/** Whether the Sandbox came from a pool. */
export const isWarm = ({ metadata }: Stored<Sandbox>): boolean => metadata.labels?.[label.launchType] === 'warm'

/** The template a Sandbox was made from, by name. It stays that one's: another's labels would put a running Pod under another network policy. */
export const templateNameOf = ({ metadata }: Stored<Sandbox>): string | undefined =>
  metadata.annotations?.[annotation.sandboxTemplateRef]

/**
 * What the podTemplate of the Sandbox must say of its Pod for this claim. Without the template it says what it said, but that the Pod of a claim is not
 * evicted as lightly as a pool's.
 */
export function podMetadataFor(
  sandbox: Stored<Sandbox>,
  claim: Stored<SandboxClaim>,
  template: Stored<SandboxTemplate> | undefined
): Required<EmbeddedMetadata> {
  const refHash = sandbox.metadata.labels?.[label.sandboxTemplateRefHash] ?? nameHash(template?.metadata.name ?? '')
  const base = template ? template.spec.podTemplate.metadata : unevicted(sandbox.spec.podTemplate.metadata)
  return claimedPodMetadata(base, claim, refHash)
}

function unevicted({ labels, annotations }: EmbeddedMetadata = {}): EmbeddedMetadata {
  const { [annotation.safeToEvict]: _, ...kept } = annotations ?? {}
  return { ...(labels && { labels }), annotations: kept }
}

/** Turns a pool's Sandbox, exactly as it was seen, into the claim's: one patch, so that it always is one or the other. */
export function adoptionPatch(
  { metadata, spec }: Stored<Sandbox>,
  claim: Stored<SandboxClaim>,
  podMetadata: Required<EmbeddedMetadata>
): object {
  const trace = claim.metadata.annotations?.[annotation.traceContext]
  return {
    metadata: {
      uid: metadata.uid,
      resourceVersion: metadata.resourceVersion,
      labels: {
        [label.warmPoolSandbox]: null,
        [label.sandboxTemplateHash]: null,
        [label.sandboxPodTemplateHash]: null,
        [label.launchType]: 'warm',
        [label.claimUid]: claim.metadata.uid,
        [label.createdBy]: claim.metadata.labels?.[label.createdBy] ?? null,
      },
      annotations: {
        [annotation.podName]: metadata.annotations?.[annotation.podName] ?? metadata.name,
        ...(trace !== undefined && { [annotation.traceContext]: trace }),
      },
      ownerReferences: [controllerReference(sandboxClaims, claim)],
    },
    spec: { podTemplate: { metadata: metadataPatch(spec.podTemplate.metadata, podMetadata) ?? {} } },
  }
}

/** What a bound Sandbox lacks to be in step with its claim and template; undefined when nothing. */
export function inStepPatch(
  { metadata, spec }: Stored<Sandbox>,
  claim: Stored<SandboxClaim>,
  podMetadata: Required<EmbeddedMetadata>
): object | undefined {
  const refHash = podMetadata.labels[label.sandboxTemplateRefHash]
  const own = textsPatch(
    pick(metadata.labels, [label.createdBy, label.sandboxTemplateRefHash]),
    pick({ ...claim.metadata.labels, ...(refHash && { [label.sandboxTemplateRefHash]: refHash }) }, [
      label.createdBy,
      label.sandboxTemplateRefHash,
    ])
  )
  const ofPod = metadataPatch(spec.podTemplate.metadata, podMetadata)
  if (!own && !ofPod) return undefined
  return {
    metadata: { uid: metadata.uid, resourceVersion: metadata.resourceVersion, ...(own && { labels: own }) },
    ...(ofPod && { spec: { podTemplate: { metadata: ofPod } } }),
  }
}

/** Whether the Sandbox says of its Pod already all that the claim adds. */
export function hasAdditionalMetadata({ spec }: Stored<Sandbox>, claim: Stored<SandboxClaim>): boolean {
  const { labels, annotations } = claim.spec.additionalPodMetadata ?? {}
  const has = (present: Texts = {}, wanted: Texts = {}) =>
    Object.entries(wanted).every(([key, value]) => present[key] === value)
  const present = spec.podTemplate.metadata
  return has(present?.labels, labels) && has(present?.annotations, annotations)
}

function metadataPatch(present: EmbeddedMetadata = {}, wanted: Required<EmbeddedMetadata>): object | undefined {
  const labels = textsPatch(present.labels, wanted.labels)
  const annotations = textsPatch(present.annotations, wanted.annotations)
  return labels || annotations ? { ...(labels && { labels }), ...(annotations && { annotations }) } : undefined
}

/** As a merge patch, in which null removes. */
function textsPatch(present: Texts = {}, wanted: Texts): TextsPatch | undefined {
  const patch: Record<string, string | null> = {}
  for (const [key, value] of Object.entries(wanted)) if (present[key] !== value) patch[key] = value
  for (const key of Object.keys(present)) if (!Object.hasOwn(wanted, key)) patch[key] = null
  return Object.keys(patch).length > 0 ? patch : undefined
}

const pick = (texts: Texts = {}, keys: readonly string[]): Texts =>
  Object.fromEntries(keys.flatMap((key) => (texts[key] === undefined ? [] : [[key, texts[key]]])))
