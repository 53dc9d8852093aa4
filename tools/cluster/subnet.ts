/** An IPv4 network: its first address as a number, and the bits of its prefix. */
export interface Subnet {
  readonly base: number
  readonly bits: number
}

/** `10.88.0.0/24`, or an address alone, which is a network of one. Undefined for anything else, also with bits set behind the prefix. */
export function parseSubnet(text: string): Subnet | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(text)
  if (!match) return undefined
  const octets = match.slice(1, 5).map(Number)
  const bits = match[5] === undefined ? 32 : Number(match[5])
  if (octets.some((octet) => octet > 255) || bits > 32) return undefined
  const base = octets.reduce((number, octet) => number * 256 + octet, 0)
  return base % sizeOf(bits) === 0 ? { base, bits } : undefined
}

export function overlap(a: Subnet, b: Subnet): boolean {
  return a.base < b.base + sizeOf(b.bits) && b.base < a.base + sizeOf(a.bits)
}

/** The address number `host` of the network: of 10.88.0.0/24, number 11 is 10.88.0.11. */
export function addressIn(subnet: Subnet, host: number): string {
  const number = subnet.base + host
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')
}

const sizeOf = (bits: number): number => 2 ** (32 - bits)
