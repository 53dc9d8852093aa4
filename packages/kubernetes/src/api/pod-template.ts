import type { V1PersistentVolumeClaimSpec, V1PodSpec } from '@kubernetes/client-node'
import type { AsJson } from '../controller/index.ts'

export type PodSpec = AsJson<V1PodSpec>
export type PersistentVolumeClaimSpec = AsJson<V1PersistentVolumeClaimSpec>

/** What an embedded object's metadata may say. */
export interface EmbeddedMetadata {
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

export interface PodTemplate {
  readonly metadata?: EmbeddedMetadata
  readonly spec: PodSpec
}

export interface VolumeClaimTemplate {
  readonly metadata: EmbeddedMetadata & { readonly name: string }
  readonly spec: PersistentVolumeClaimSpec
}
