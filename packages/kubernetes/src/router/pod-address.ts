import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** Addresses that no Pod has towards others: unspecified, loopback, link-local (cloud metadata is there), multicast and broadcast. */
const special = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['255.255.255.255', 32],
] as const) {
  special.addSubnet(network, prefix, 'ipv4')
}
for (const [network, prefix] of [
  ['::', 128],
  ['::1', 128],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  special.addSubnet(network, prefix, 'ipv6')
}

/** The address in its one written form, IPv4 for an IPv6 address that stands for one; undefined when it cannot be another Pod's. */
export function podAddress(text: string): string | undefined {
  const address = canonicalAddress(text)
  if (address === undefined) return undefined
  return special.check(address, isIPv4(address) ? 'ipv4' : 'ipv6') ? undefined : address
}

/** Two addresses are equal when this is. undefined: not an address, or one with a zone. */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text
  if (!isIPv6(text) || text.includes('%')) return undefined
  const address = new URL(`http://[${text}]/`).hostname.slice(1, -1)
  const [, high = '', low = ''] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address) ?? []
  if (!high) return address
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [a >> 8, a & 255, b >> 8, b & 255].join('.')
}
