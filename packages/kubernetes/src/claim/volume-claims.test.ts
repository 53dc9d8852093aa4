import { describe, expect, it } from 'vitest'
import type { InjectionPolicy, VolumeClaimTemplate } from '../api/index.ts'
import { mergedVolumeClaims } from './volume-claims.ts'

const volume = (name: string, storageClassName: string): VolumeClaimTemplate => ({
  metadata: { name },
  spec: { storageClassName },
})
const base = [volume('a', 'template'), volume('b', 'template')]
const told = (volumes: readonly VolumeClaimTemplate[] | undefined) =>
  volumes?.map(({ metadata, spec }) => `${metadata.name} of ${spec.storageClassName}`)

describe('volume claims of claims', () => {
  it('are the template’s when there are none', () => {
    expect(mergedVolumeClaims(base, [], 'Disallowed')).toBe(base)
    expect(mergedVolumeClaims(undefined, undefined, undefined)).toBeUndefined()
  })

  it('follow the template’s, in whose place they stand', () => {
    expect(told(mergedVolumeClaims(base, [volume('c', 'claim')], 'Allowed'))).toEqual([
      'a of template',
      'b of template',
      'c of claim',
    ])
    expect(told(mergedVolumeClaims(base, [volume('c', 'claim'), volume('a', 'claim')], 'Overrides'))).toEqual([
      'a of claim',
      'b of template',
      'c of claim',
    ])
  })

  it.each<[string, InjectionPolicy | undefined, readonly VolumeClaimTemplate[]]>([
    ['any, by default', undefined, [volume('c', 'claim')]],
    ['any, when disallowed', 'Disallowed', [volume('c', 'claim')]],
    ['one of the template’s', 'Allowed', [volume('a', 'claim')]],
    ['one name twice', 'Overrides', [volume('c', 'claim'), volume('c', 'claim')]],
    ['no name', 'Overrides', [volume('', 'claim')]],
    ['no metadata', 'Overrides', [{ spec: {} } as VolumeClaimTemplate]],
  ])('not %s (%s)', (_, policy, wanted) => {
    expect(() => mergedVolumeClaims(base, wanted, policy)).toThrow(
      expect.objectContaining({ reason: 'VolumeClaimTemplatesError', retry: 'onInput' })
    )
  })
})
