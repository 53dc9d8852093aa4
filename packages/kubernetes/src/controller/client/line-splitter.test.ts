import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LineSplitter, LineTooLongError } from './line-splitter.ts'

it('property: gives out the lines of a stream, however it is cut into chunks', () => {
  const line = fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replaceAll('\n', ''))
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 200 }),
      (lines, sizes) => {
        const bytes = Buffer.from(`${lines.join('\n')}\nhalf a li`)
        const splitter = new LineSplitter(1_000)
        const given: string[] = []
        let at = 0
        for (const size of [...sizes, bytes.length]) {
          given.push(...splitter.push(bytes.subarray(at, at + size)))
          at += size
        }
        expect(given).toEqual(lines.filter((text) => text !== '').map((text) => Buffer.from(text).toString()))
      }
    )
  )
})

it('refuses a line that grows beyond its limit, as soon as it does', () => {
  const splitter = new LineSplitter(10)
  expect(splitter.push(Buffer.from('0123456789\n01234'))).toEqual(['0123456789'])
  splitter.push(Buffer.from('56789'))
  expect(() => splitter.push(Buffer.from('x'))).toThrow(LineTooLongError)
})
