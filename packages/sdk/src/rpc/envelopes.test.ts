import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { envelope, envelopes } from './envelopes.ts'

async function* pieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    const end = Math.min(cut, bytes.byteLength)
    yield bytes.slice(at, end)
    at = end
  }
  yield bytes.slice(at)
}

describe('envelopes', () => {
  it('are found again however the bytes were cut', async () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(messages, fc.array(fc.nat(6000), { maxLength: 40 }), async (sent, cuts) => {
        const body = pieces(Buffer.concat(sent.map(envelope)), cuts)
        const got = await Array.fromAsync(envelopes(body, 'test'))
        expect(got.map(({ data }) => Buffer.from(data))).toEqual(sent.map((data) => Buffer.from(data)))
      })
    )
  })

  it('of a size no honest guest sends are refused before they are collected', async () => {
    let taken = 0
    async function* endless() {
      yield new Uint8Array([0, 0xff, 0xff, 0xff, 0xff])
      for (;;) {
        taken += 1
        yield new Uint8Array(1024 * 1024)
      }
    }
    await expect(Array.fromAsync(envelopes(endless(), 'test'))).rejects.toMatchObject({ code: 'answer_invalid' })
    expect(taken).toBe(0)
  })

  it('of more than 1 MiB are refused: none of the agent’s comes near', async () => {
    const whole = new Uint8Array(1024 * 1024)
    expect(await Array.fromAsync(envelopes(pieces(envelope(whole), []), 'test'))).toHaveLength(1)
    const larger = envelope(new Uint8Array(1024 * 1024 + 1))
    await expect(Array.fromAsync(envelopes(pieces(larger, []), 'test'))).rejects.toMatchObject({
      code: 'answer_invalid',
    })
  })

  it('that come byte by byte are put together', async () => {
    const sent = envelope(new Uint8Array(100_000).fill(7))
    async function* bytes() {
      for (let at = 0; at < sent.byteLength; at += 1) yield sent.subarray(at, at + 1)
    }
    const [got] = await Array.fromAsync(envelopes(bytes(), 'test'))
    expect(Buffer.from(got?.data ?? []).equals(Buffer.from(sent.subarray(5)))).toBe(true)
  })

  it('any bytes end in messages or in an error with a code', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), fc.array(fc.nat(100)), async (bytes, cuts) => {
        await Array.fromAsync(envelopes(pieces(bytes, cuts), 'test')).catch((error) =>
          expect(error).toMatchObject({ code: 'answer_invalid' })
        )
      })
    )
  })
})
