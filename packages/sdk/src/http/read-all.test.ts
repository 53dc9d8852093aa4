import { expect, it } from 'vitest'
import { readAll } from './read-all.ts'

it('reads no more than its bound of an answer without end, and says so with a code', async () => {
  let given = 0
  async function* endless() {
    for (;;) {
      given += 1
      yield new Uint8Array(10)
    }
  }
  await expect(readAll(endless(), 'files.read', 95)).rejects.toMatchObject({
    code: 'answer_invalid',
    facts: { operation: 'files.read' },
  })
  expect(given).toBe(10)
})
