import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/** What a token is good for. Its number is part of the format. */
export const audience = { client: 1, host: 2 } as const
export type Audience = keyof typeof audience

/** The agent takes none that is good for more than an hour. */
const lifetimeSeconds = 600
/** One that has less left is made anew: a request has to reach the Pod with it, whose clock may differ. */
const renewSeconds = 300

const version = 1
const domain = Buffer.from('bulkhead pod token\0')
const payloadBytes = 26

/**
 * A token for one Pod: guest/internal/signedtoken has the format. Nothing in a Pod is secret, so that members of a pool can share a template; whoever
 * takes one from a Pod can speak to that Pod, for a while.
 */
export function signToken(key: KeyObject, podUid: string, kind: Audience, expirySeconds: number): string {
  const uid = Buffer.from(podUid.replaceAll('-', ''), 'hex')
  if (uid.length !== 16) throw new TypeError(`${JSON.stringify(podUid)} is no uid of a Pod`)
  const payload = Buffer.alloc(payloadBytes)
  payload.writeUInt8(version, 0)
  payload.writeUInt8(audience[kind], 1)
  uid.copy(payload, 2)
  payload.writeBigUInt64BE(BigInt(expirySeconds), 18)
  return Buffer.concat([payload, sign(null, Buffer.concat([domain, payload]), key)]).toString('base64url')
}

/** Signs tokens with the server's key, and keeps those that are good for long enough. */
export class TokenMint {
  readonly #key: KeyObject
  readonly #wall: () => number
  readonly #kept = new Map<string, { readonly token: string; readonly expirySeconds: number }>()
  #sweepAtSeconds = 0
  /** As Pods are told it: base64url of the 32 bytes. */
  readonly publicKey: string

  /** `wall`: ms since 1970. */
  constructor(key: KeyObject, wall: () => number) {
    this.#key = key
    this.#wall = wall
    this.publicKey = publicKeyOf(key)
  }

  token(podUid: string, kind: Audience): string {
    const now = Math.floor(this.#wall() / 1000)
    const name = `${kind} ${podUid}`
    const kept = this.#kept.get(name)
    // Also when the clock was set back meanwhile: the agent refuses what is good for too long.
    if (kept && kept.expirySeconds - now >= renewSeconds && kept.expirySeconds - now <= lifetimeSeconds)
      return kept.token
    this.#sweep(now)
    const expirySeconds = now + lifetimeSeconds
    const token = signToken(this.#key, podUid, kind, expirySeconds)
    this.#kept.set(name, { token, expirySeconds })
    return token
  }

  /** Pods go without a word to this. */
  #sweep(now: number): void {
    if (now < this.#sweepAtSeconds) return
    this.#sweepAtSeconds = now + renewSeconds
    for (const [name, { expirySeconds }] of this.#kept) if (expirySeconds <= now) this.#kept.delete(name)
  }
}

/** A new private key, as PEM (PKCS #8). */
export const newSigningKey = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/** Throws a `TypeError` for what is no Ed25519 key; without quoting it. */
export function parseSigningKey(pem: string): KeyObject {
  let key: KeyObject | undefined
  try {
    key = createPrivateKey(pem)
  } catch {
    // The library's words may hold parts of the key.
  }
  if (key?.asymmetricKeyType !== 'ed25519') throw new TypeError('it is no Ed25519 private key in PEM')
  return key
}

function publicKeyOf(key: KeyObject): string {
  const { x } = createPublicKey(key).export({ format: 'jwk' })
  if (!x) throw new TypeError('the key has no public part')
  return x
}
