import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ByteSeeker } from './byte-seeker.ts'

/** Few different bytes, so that near-hits and overlaps are common. */
const bytes = (min: number, max: number) =>
  fc.array(fc.constantFrom(0x0a, 0x47, 0x4f), { minLength: min, maxLength: max }).map((array) => Buffer.from(array))

/** The same bytes, cut anywhere. */
const cut = (whole: Buffer, at: readonly number[]): Buffer[] => {
  const places = [...new Set(at.map((place) => place % (whole.length + 1)))].sort((a, b) => a - b)
  return [0, ...places].map((from, index) => whole.subarray(from, places[index] ?? whole.length))
}

it('finds the first occurrence, however the stream is cut', () => {
  fc.assert(
    fc.property(bytes(1, 6), bytes(0, 60), fc.array(fc.nat(), { maxLength: 12 }), (pattern, stream, places) => {
      const seeker = new ByteSeeker(pattern, 1_000_000)
      const rest: Buffer[] = []
      let found = false
      for (const chunk of cut(stream, places)) {
        if (found) rest.push(chunk)
        else {
          const after = seeker.seek(chunk)
          if (after) {
            found = true
            rest.push(after)
          }
        }
      }
      const at = stream.indexOf(pattern)
      expect(found).toBe(at >= 0)
      if (at >= 0) expect(Buffer.concat(rest)).toEqual(stream.subarray(at + pattern.length))
    })
  )
})

it('gives up on a peer that says everything but the pattern', () => {
  const seeker = new ByteSeeker(Buffer.from('\nGO\n'), 10_000)
  const chunk = Buffer.alloc(1000, 'G')
  expect(() => {
    for (let i = 0; i < 11; i++) seeker.seek(chunk)
  }).toThrow(RangeError)
})
