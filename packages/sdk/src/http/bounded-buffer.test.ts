import fc from 'fast-check'
import { expect, it } from 'vitest'
import { BoundedBuffer } from './bounded-buffer.ts'

it('keeps what was added in order, up to its bound, and says what it cut', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), fc.nat(200), (chunks, limit) => {
      const buffer = new BoundedBuffer(limit)
      for (const chunk of chunks) buffer.add(chunk)
      const whole = Buffer.concat(chunks)
      expect(Buffer.from(buffer.bytes())).toEqual(whole.subarray(0, limit))
      expect(buffer.truncated).toBe(whole.length > limit)
    })
  )
})

it('costs what it holds, however small the pieces and large what they are views of', () => {
  const buffer = new BoundedBuffer(1000)
  const message = new Uint8Array(16 * 1024 * 1024)
  for (let n = 0; n < 100; n += 1) {
    buffer.add(message.subarray(n, n + 1))
    buffer.add(message.subarray(n, n))
  }
  expect(buffer.size).toBe(100)
  expect(buffer.bytes().buffer.byteLength).toBeLessThanOrEqual(200)
})
