import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { celAll, celMap, celString, celStrings } from './cel.ts'

/** What a CEL literal of the form that is written here stands for. */
function read(literal: string): string {
  const [, body] = /^"((?:[^"\\]|\\["\\]|\\u[0-9a-f]{4}|\\U[0-9a-f]{8})*)"$/.exec(literal) ?? []
  if (body === undefined) throw new Error(`not one literal: ${literal}`)
  return body.replaceAll(/\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|(["\\]))/g, (_, short, long, itself) =>
    itself ? itself : String.fromCodePoint(Number.parseInt(short ?? long, 16))
  )
}

describe('text in an expression', () => {
  it.each([
    ['plain', '"plain"'],
    ['" || true || "', '"\\" || true || \\""'],
    ['\\', '"\\\\"'],
    ['\\"', '"\\\\\\""'],
    ["'", `"'"`],
    ['a\nb\0', '"a\\u000ab\\u0000"'],
    ['\u2028é', '"\\u2028\\u00e9"'],
    ['😀', '"\\U0001f600"'],
    // Half of a character is none.
    ['\ud83d', '"\\ufffd"'],
  ])('%j', (text, literal) => {
    expect(celString(text)).toBe(literal)
  })

  it('stands for itself, and for nothing beyond it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(read(celString(text))).toBe(text)
      })
    )
  })
})

it('makes lists, maps and conjunctions', () => {
  expect(celStrings(['a', '"'])).toBe('["a", "\\""]')
  expect(celMap([['a', '1']])).toBe('{"a": 1}')
  expect(celAll([])).toBe('true')
  expect(celAll(['a || b', 'c'])).toBe('(a || b) && (c)')
})
