import { expect, it } from 'vitest'
import type { Stored } from '../controller/index.ts'
import { Complaints } from './complaints.ts'

const object = (generation: number, uid = 'u', resourceVersion = '1'): Stored => ({
  apiVersion: 'x/v1',
  kind: 'X',
  metadata: { namespace: 'default', name: 'a', uid, generation, resourceVersion, creationTimestamp: '' },
})

it('tells once for each generation, and anew when what is wrong has changed or come back', () => {
  const told: string[] = []
  const complaints = new Complaints({
    record: ({ metadata }, { type, note }) => void told.push(`${type} ${metadata.uid}/${metadata.generation} ${note}`),
  })
  const about = (of: Stored, note?: string) => complaints.about(of, note ? { reason: 'InvalidSpec', note } : undefined)
  about(object(1), 'a')
  about(object(1, 'u', '2'), 'a')
  about(object(2), 'a')
  about(object(2), 'b')
  about(object(2))
  about(object(2), 'b')
  about(object(2, 'v'), 'b')
  expect(told).toEqual(['Warning u/1 a', 'Warning u/2 a', 'Warning u/2 b', 'Warning u/2 b', 'Warning v/2 b'])
})
