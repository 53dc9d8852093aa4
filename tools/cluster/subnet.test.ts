import { describe, expect, it } from 'vitest'
import { addressIn, overlap, parseSubnet, type Subnet } from './subnet.ts'

const subnet = (text: string): Subnet => {
  const parsed = parseSubnet(text)
  if (!parsed) throw new Error(`${text} is no subnet`)
  return parsed
}

describe('a subnet', () => {
  it('is read, and gives out its addresses', () => {
    expect(addressIn(subnet('10.88.0.0/24'), 11)).toBe('10.88.0.11')
    expect(addressIn(subnet('255.255.255.0/24'), 254)).toBe('255.255.255.254')
    expect(subnet('192.0.2.7')).toEqual(subnet('192.0.2.7/32'))
  })

  it.each(['', '10.88.0.0/33', '10.88.0.1/24', '10.88.0/24', '10.88.0.256/32', 'fd00::/8', '10.88.0.0/24 '])(
    'is not what %j says',
    (text) => expect(parseSubnet(text)).toBeUndefined()
  )

  it.each([
    ['10.88.0.0/24', '10.88.0.0/24', true],
    ['10.88.0.0/24', '10.0.0.0/8', true],
    ['10.88.0.0/24', '10.88.0.200', true],
    ['10.88.0.0/24', '10.88.1.0/24', false],
    ['10.88.0.0/24', '10.87.255.255', false],
    ['10.88.0.0/24', '0.0.0.0/0', true],
  ])('%s and %s share an address: %s', (a, b, shared) => {
    expect(overlap(subnet(a), subnet(b))).toBe(shared)
    expect(overlap(subnet(b), subnet(a))).toBe(shared)
  })
})
