const basis = 0x811c9dc5
const prime = 0x01000193
const utf8 = new TextEncoder()

/**
 * 32-bit FNV-1a of the text's UTF-8, as eight lower-case hex digits: for label values that stand for a name which is too long for one. Two names can
 * have the same, by chance and on purpose.
 */
export function fnv1a32(text: string): string {
  let hash = basis
  for (const byte of utf8.encode(text)) hash = Math.imul(hash ^ byte, prime)
  return (hash >>> 0).toString(16).padStart(8, '0')
}
