import { expect, it } from 'vitest'
import { SweepIncomplete, sweepEach } from './sweep-each.ts'

it('goes on behind one that cannot be removed, and says at the end what is left', async () => {
  const removed: string[] = []
  const remove = async (id: string) => {
    if (id === 'b' || id === 'd') throw new Error(`${id} is busy`)
    removed.push(id)
  }
  const error = await sweepEach(['a', 'b', 'c', 'd', 'e'], remove).catch((thrown: unknown) => thrown)
  expect(removed).toEqual(['a', 'c', 'e'])
  expect(error).toBeInstanceOf(SweepIncomplete)
  expect([...(error as SweepIncomplete).left]).toEqual(['b', 'd'])
  expect((error as SweepIncomplete).errors).toHaveLength(2)
})
