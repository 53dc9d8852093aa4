import type { PodSpec } from '../api/index.ts'

/** What a Pod has that a thief could carry away. */
export interface Secrets {
  /** Whose tokens are in it, when there are any. */
  readonly serviceAccount: string | undefined
  /** Names of Secrets, sorted. */
  readonly secrets: readonly string[]
}

/** Of the Pod as the API server has it: the token that is mounted by default is among its volumes. */
export function secretsOf(spec: PodSpec): Secrets {
  const volumes = spec.volumes ?? []
  const sources = volumes.flatMap(({ projected }) => projected?.sources ?? [])
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])]
  const names = [
    ...volumes.map(({ secret }) => secret?.secretName),
    ...sources.map(({ secret }) => secret?.name),
    ...containers.flatMap(({ env = [] }) => env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name)),
    ...containers.flatMap(({ envFrom = [] }) => envFrom.map(({ secretRef }) => secretRef?.name)),
  ]
  const hasToken = sources.some(({ serviceAccountToken }) => serviceAccountToken !== undefined)
  return {
    serviceAccount: hasToken ? (spec.serviceAccountName ?? 'default') : undefined,
    secrets: [...new Set(names.filter((name) => name !== undefined))].sort(),
  }
}
