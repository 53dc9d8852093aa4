/** The first dotted version in what a program says of itself: `QEMU emulator version 10.0.2 (Debian …)` → `10.0.2`. */
export const versionIn = (text: string): string | undefined => /\d+\.\d+(?:\.\d+)*/.exec(text)?.[0]

/** Compares dotted versions number by number; missing parts count as 0. */
export function atLeast(version: string, minimum: string): boolean {
  const have = version.split('.').map(Number)
  const want = minimum.split('.').map(Number)
  for (const [at, part] of want.entries()) {
    const own = have[at] ?? 0
    if (own !== part) return own > part
  }
  return true
}
