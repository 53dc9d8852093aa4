import { randomBytes } from 'node:crypto'

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
const randomCharacters = 20

/**
 * `prefix-` and 20 characters of a-z, 2-7 (RFC 4648 base32, lower case): 100 bits from the kernel's generator.
 * Fits what names are made of on the host: a folder, a cgroup, a DNS label.
 */
export function newId(prefix: string): string {
  let id = `${prefix}-`
  // 256 is a multiple of 32, so the low five bits of a byte are uniform.
  for (const byte of randomBytes(randomCharacters)) id += alphabet[byte & 31]
  return id
}

export const newSandboxId = (): string => newId('sb')

/** Whether a name from outside can be a sandbox's id; what is not need not be looked up. */
export const isSandboxId = (name: string): boolean => /^sb-[a-z2-7]{20}$/.test(name)
