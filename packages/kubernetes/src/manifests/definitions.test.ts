import { describe, expect, it } from 'vitest'
import { definitions } from './definitions.ts'

interface Schema {
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
}

/** Dotted paths of the fields that have no description, without what Kubernetes itself describes. */
const undescribed = (schema: Schema, at: string): string[] =>
  Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${at}.${name}`
    if (!field.description) return [path]
    return describedElsewhere.test(field.description)
      ? []
      : [...undescribed(field, path), ...undescribed(field.items ?? {}, path)]
  })
const describedElsewhere = /`kubectl explain \w+\.spec\b.*where (its|their) fields are described/
/** Described by the API server for every kind. */
const standard = /^\.(apiVersion|kind|metadata)$/

describe.each(definitions.map((definition) => [definition.metadata.name, definition] as const))(
  '%s',
  (_, definition) => {
    const [version] = definition.spec.versions

    it('describes every field of its own', () => {
      const schema = version?.schema?.openAPIV3Schema as Schema
      expect(schema.description).toBeTruthy()
      expect(undescribed(schema, '').filter((path) => !standard.test(path))).toEqual([])
    })

    it('fits into the annotation of `kubectl apply`', () => {
      expect(JSON.stringify(definition).length).toBeLessThan(128 * 1024) // the API server's limit for all annotations: 256 KiB
    })
  }
)

it('shows what people look for', () => {
  const shown = definitions.map(({ spec: { names, versions } }) => ({
    names: [names.plural, ...(names.shortNames ?? [])],
    columns: versions[0]?.additionalPrinterColumns?.filter((column) => !column.priority).map((column) => column.name),
    subresources: Object.keys(versions[0]?.subresources ?? {}),
  }))
  expect(shown).toEqual([
    { names: ['sandboxes', 'sandbox'], columns: ['Ready', 'Reason', 'Age'], subresources: ['status'] },
    { names: ['sandboxtemplates', 'sandboxtemplate'], columns: undefined, subresources: [] },
    {
      names: ['sandboxclaims', 'sandboxclaim'],
      columns: ['Ready', 'Sandbox', 'Reason', 'Age'],
      subresources: ['status'],
    },
    { names: ['sandboxwarmpools', 'swp'], columns: ['Ready', 'Desired', 'Age'], subresources: ['scale', 'status'] },
    {
      names: ['isolationpolicies', 'isopol'],
      columns: ['Minimum', 'Violation', 'Ready', 'Reason', 'Age'],
      subresources: ['status'],
    },
    {
      names: ['quarantines'],
      columns: ['Sandbox', 'Pod', 'Cut', 'Replaced', 'Ended', 'Age'],
      subresources: ['status'],
    },
    {
      names: ['nodewitnesses', 'nwit'],
      columns: ['Runtime', 'Kernel', 'Mismatches', 'Observed'],
      subresources: ['status'],
    },
  ])
})
