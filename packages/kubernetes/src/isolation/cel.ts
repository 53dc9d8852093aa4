/**
 * The one place where text becomes part of an expression: a CEL string literal, of printable ASCII only, that stands for exactly this text. Whatever the
 * text is, it ends where the literal ends.
 */
export function celString(text: string): string {
  // Half of a surrogate pair is no character: CEL has no escape for it, and UTF-8 no bytes.
  const characters = Array.from(text.toWellFormed(), (character) => {
    const code = character.codePointAt(0) as number
    if (character === '"' || character === '\\') return `\\${character}`
    if (code >= 0x20 && code < 0x7f) return character
    return code > 0xff_ff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`
  })
  return `"${characters.join('')}"`
}

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0')

/** A list of texts. */
export const celStrings = (texts: readonly string[]): string => `[${texts.map(celString).join(', ')}]`

/** A map from text. `values` are expressions already. */
export const celMap = (entries: readonly (readonly [key: string, value: string])[]): string =>
  `{${entries.map(([key, value]) => `${celString(key)}: ${value}`).join(', ')}}`

/** All of them; `true` when there are none. */
export const celAll = (expressions: readonly string[]): string =>
  expressions.length === 0 ? 'true' : expressions.map((expression) => `(${expression})`).join(' && ')

/** The value of `key` in a map of texts, or else empty. `map` is an expression. */
export const celValueOf = (map: string, key: string): string => `${map}[?${celString(key)}].orValue("")`
