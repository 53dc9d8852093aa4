import { expect, it } from 'vitest'
import type { Sandbox } from '../api/index.ts'
import { malformation } from './malformation.ts'

const podTemplate = { spec: { containers: [] } }

it.each([
  ['nothing', undefined, /podTemplate/],
  ['no Pod', {}, /podTemplate/],
  ['containers by name', { podTemplate: { spec: { containers: { a: {} } } } }, /podTemplate/],
  ['a time that is none', { podTemplate, shutdownTime: 'soon' }, /shutdownTime is not a time: "soon"/],
  ['a claim without a name', { podTemplate, volumeClaimTemplates: [{ spec: {} }] }, /volumeClaimTemplates/],
  ['what it should', { podTemplate, shutdownTime: '2026-01-01T00:00:00Z', volumeClaimTemplates: [] }, undefined],
])('a Sandbox that says %s', (_, spec, expected) => {
  const wrong = malformation({ spec } as { spec?: Partial<Sandbox['spec']> })
  if (expected) expect(wrong).toMatch(expected)
  else expect(wrong).toBeUndefined()
})
