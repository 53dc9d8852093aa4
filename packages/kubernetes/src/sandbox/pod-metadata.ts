import {
  annotation,
  isOwnKey,
  label,
  nameHash,
  normalizedCreator,
  type Sandbox,
  sandboxClaims,
  sandboxWarmPools,
} from '../api/index.ts'
import { controllerOf, groupOf, refersTo, type Stored } from '../controller/index.ts'
import { type KeyChanges, metadataDrift } from './metadata-drift.ts'
import { sandboxUidLabel } from './sandbox-uid-label.ts'

export interface PodMetadata {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** Labels and annotations of a Sandbox's Pod: those of the podTemplate, as far as they are not the API's, and the API's own. */
export function podMetadata(sandbox: Stored<Sandbox>): PodMetadata {
  const { labels, annotations } = sandbox.spec.podTemplate.metadata ?? {}
  const ownLabels = apiLabels(sandbox)
  const copiedLabels = pick(labels, (key) => !isOwnKey(key) && !Object.hasOwn(ownLabels, key))
  const copiedAnnotations = pick(annotations, (key) => !isOwnKey(key) && key !== annotation.traceContext)
  return {
    labels: defined({ ...copiedLabels, ...ownLabels }),
    annotations: defined({
      ...copiedAnnotations,
      [annotation.propagatedLabels]: keyList(copiedLabels),
      [annotation.propagatedAnnotations]: keyList(copiedAnnotations),
    }),
  }
}

/** What brings the metadata of a live Pod in line. What others have put there stays. Undefined: nothing to do. */
export function podMetadataDrift(
  pod: Stored,
  sandbox: Stored<Sandbox>
): { readonly labels?: KeyChanges; readonly annotations?: KeyChanges } | undefined {
  const wanted = podMetadata(sandbox)
  const { labels: liveLabels, annotations: liveAnnotations } = pod.metadata
  const labels = metadataDrift(liveLabels, wanted.labels, [
    ...Object.keys(apiLabels(sandbox)),
    ...listedKeys(liveAnnotations?.[annotation.propagatedLabels]),
  ])
  const annotations = metadataDrift(liveAnnotations, wanted.annotations, [
    annotation.propagatedLabels,
    annotation.propagatedAnnotations,
    ...listedKeys(liveAnnotations?.[annotation.propagatedAnnotations]),
  ])
  if (!labels && !annotations) return undefined
  return { ...(labels && { labels }), ...(annotations && { annotations }) }
}

/** Undefined: such a label must not be there. */
function apiLabels(sandbox: Stored<Sandbox>): Readonly<Record<string, string | undefined>> {
  const { name, uid, labels = {} } = sandbox.metadata
  const owner = controllerOf(sandbox)
  // Anybody can put these labels on a Sandbox; network policies select by the first one.
  const isFromTemplate = owner && groupOf(owner.apiVersion) === sandboxWarmPools.group
  return {
    [label.sandboxNameHash]: nameHash(name),
    [sandboxUidLabel]: uid,
    [label.createdBy]: normalizedCreator(labels[label.createdBy]),
    [label.sandboxTemplateRefHash]: isFromTemplate ? labels[label.sandboxTemplateRefHash] : undefined,
    [label.warmPoolSandbox]: owner && refersTo(owner, sandboxWarmPools) ? labels[label.warmPoolSandbox] : undefined,
    [label.claimUid]: owner && refersTo(owner, sandboxClaims) ? labels[label.claimUid] : undefined,
  }
}

const pick = (record: Readonly<Record<string, string>> = {}, wants: (key: string) => boolean): Record<string, string> =>
  Object.fromEntries(Object.entries(record).filter(([key]) => wants(key)))

const defined = (record: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(record).filter((entry): entry is [string, string] => entry[1] !== undefined))

const keyList = (record: Readonly<Record<string, string>>): string | undefined =>
  Object.keys(record).sort().join(',') || undefined

const listedKeys = (list = ''): string[] => list.split(',').filter(Boolean)
