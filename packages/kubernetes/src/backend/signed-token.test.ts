import { createPrivateKey } from 'node:crypto'
import { expect, it } from 'vitest'
import { newSigningKey, parseSigningKey, signToken, TokenMint } from './signed-token.ts'

const pod = '0b7a1f0e-3c52-4b1e-9d11-6f0a2b3c4d5e'
const other = '0b7a1f0e-3c52-4b1e-9d11-6f0a2b3c4d5f'
/** PKCS #8 of an Ed25519 key whose seed is 32 times the byte 1, as in the agent's test. */
const key = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 1)]),
  format: 'der',
  type: 'pkcs8',
})

it('signs what the guest agent’s own test signs', () => {
  expect(signToken(key, pod, 'client', 1_800_000_300)).toBe(
    'AQELeh8OPFJLHp0RbworPE1eAAAAAGtJ0yzqxvFPsS4zsv2jgeW5zHdqLZiFtjwt87RqKi3lx7w8fB0GrGTI4bSroj6DiWp4ruoRVTIoPMjTchRvNRKxKxkB'
  )
})

it.each(['', 'my-pod', pod.slice(1), `${pod}00`, pod.replace('0b', 'zz')])('signs nothing for %j', (uid) => {
  expect(() => signToken(key, uid, 'client', 1_800_000_300)).toThrow(TypeError)
})

it('keeps a token while it is good for long enough, and one for each Pod and audience', () => {
  let nowMs = 1_800_000_000_000
  const mint = new TokenMint(key, () => nowMs)
  const first = mint.token(pod, 'client')
  expect(mint.token(pod, 'client')).toBe(first)
  expect(new Set([first, mint.token(pod, 'host'), mint.token(other, 'client')]).size).toBe(3)
  nowMs += 300_000
  expect(mint.token(pod, 'client')).toBe(first)
  nowMs += 1000
  expect(mint.token(pod, 'client')).not.toBe(first)
})

it('makes another when the clock was set back', () => {
  let nowMs = 1_800_000_000_000
  const mint = new TokenMint(key, () => nowMs)
  const first = mint.token(pod, 'client')
  nowMs -= 3_600_000
  expect(mint.token(pod, 'client')).not.toBe(first)
})

it('reads the keys it makes, and says nothing of others', () => {
  expect(new TokenMint(parseSigningKey(newSigningKey()), Date.now).publicKey).toMatch(/^[\w-]{43}$/)
  expect(() => parseSigningKey('-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n')).toThrow(
    /^it is no Ed25519 private key in PEM$/
  )
})
