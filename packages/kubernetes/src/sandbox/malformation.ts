import type { Sandbox } from '../api/index.ts'

/** What of a Sandbox cannot be read: it has been written past the schema. Undefined: nothing; what else may be wrong with its Pod, the API server finds. */
export function malformation({ spec }: { readonly spec?: Partial<Sandbox['spec']> }): string | undefined {
  if (!Array.isArray(spec?.podTemplate?.spec?.containers)) return 'spec.podTemplate.spec.containers is not a list'
  const { shutdownTime, volumeClaimTemplates = [] } = spec
  if (shutdownTime && Number.isNaN(Date.parse(shutdownTime)))
    return `spec.shutdownTime is not a time: ${JSON.stringify(shutdownTime)}`
  if (!Array.isArray(volumeClaimTemplates) || volumeClaimTemplates.some((template) => !template?.metadata?.name))
    return 'spec.volumeClaimTemplates is not a list of templates with names'
  return undefined
}
