import { describe, expect, it } from 'vitest'
import { type Refusal, refusals } from './refusal.ts'
import { readWish } from './wish.ts'

const id = { 'x-sandbox-id': 'box' }
const read = (headers: Record<string, string>) => readWish(headers, 180_000)

const refused: [headers: Record<string, string>, refusal: Refusal][] = [
  [{}, refusals.idMissing],
  [{ 'x-sandbox-id': ' ' }, refusals.idMissing],
  ...['a, b', 'a.b', 'A', '-a', 'a'.repeat(64), 'evil.example/a?'].map((sandbox): [Record<string, string>, Refusal] => [
    { 'x-sandbox-id': sandbox },
    refusals.idInvalid,
  ]),
  [{ ...id, 'x-sandbox-namespace': 'kube-system.svc' }, refusals.namespaceInvalid],
  [{ ...id, 'x-sandbox-namespace': 'a/b' }, refusals.namespaceInvalid],
  ...['0', '65536', '80x', '-1'].map((port): [Record<string, string>, Refusal] => [
    { ...id, 'x-sandbox-port': port },
    refusals.portInvalid,
  ]),
  ...[
    ...['x', '10.0.0', '10.0.0.1:80', '0x7f.1', '[::1]', 'fe80::1%eth0', '10.0.0.1, 10.0.0.2'],
    ...['0.0.0.0', '127.0.0.1', '169.254.169.254', '224.0.0.1', '255.255.255.255'],
    ...['::', '::1', 'fe80::1', 'ff02::1', '::ffff:127.0.0.1', '::ffff:a9fe:a9fe'],
  ].map((address): [Record<string, string>, Refusal] => [
    { ...id, 'x-sandbox-pod-ip': address },
    refusals.addressInvalid,
  ]),
]

describe('what the headers of a request say', () => {
  it('has defaults', () => {
    const wish = { sandbox: 'box', namespace: 'default', port: 8888, address: undefined, timeoutMs: 180_000 }
    expect(read(id)).toEqual(wish)
    expect(read({ ...id, 'x-sandbox-namespace': '', 'x-sandbox-port': '' })).toEqual(wish)
  })

  it.each(refused)('%j is refused', (headers, refusal) => {
    expect(read(headers)).toBe(refusal)
  })

  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['FD00:0:0::0001', 'fd00::1'],
  ])('the address %s is %s', (given, address) => {
    expect(read({ ...id, 'x-sandbox-pod-ip': given })).toMatchObject({ address })
  })

  it.each([
    ['60', 60_000],
    ['0.25', 250],
    ['1000', 180_000],
    ['Infinity', 180_000],
    ['0', 180_000],
    ['-3', 180_000],
    ['soon', 180_000],
  ])('a time-out of %s s means %i ms', (given, timeoutMs) => {
    expect(read({ ...id, 'x-sandbox-timeout': given })).toMatchObject({ timeoutMs })
  })
})
