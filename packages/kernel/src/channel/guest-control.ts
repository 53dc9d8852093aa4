import { randomBytes } from 'node:crypto'
import type { ClientHttp2Session } from 'node:http2'
import { type EvidenceResponse, Guest } from '@bulkhead/wire/guest'
import { type Client, createClient } from '@connectrpc/connect'
import type { GuestIdentity } from '../contract.ts'
import { guestTransport } from './guest-transport.ts'

/**
 * What the host asks of the guest agent over an open session: `bulkhead.guest.v1.Guest`. What comes back is the guest's word, no more.
 * Fails with a `ConnectError`, or with the signal's reason.
 */
export class GuestControl {
  readonly #client: Client<typeof Guest>

  /** `key`: the channel key of this moment; `configure` may replace it, a later call then needs a new `GuestControl`. */
  constructor(session: ClientHttp2Session, key: string) {
    this.#client = createClient(Guest, guestTransport(session, { 'X-Bulkhead-Key': key }))
  }

  /** Gives the guest its identity, fresh entropy from the host and the host's time. Must be done before anything of the caller's runs. */
  async configure(identity: GuestIdentity, signal: AbortSignal): Promise<{ agentVersion: string }> {
    const answer = await this.#client.configure(
      {
        hostname: identity.hostname,
        machineId: identity.machineId,
        accessToken: identity.accessToken,
        channelKey: identity.channelKey,
        entropy: randomBytes(64),
        wallClockUnixNanos: BigInt(Date.now()) * 1_000_000n,
        env: { ...identity.env },
        user: identity.user,
        workdir: identity.workdir,
      },
      { signal }
    )
    return { agentVersion: answer.agentVersion }
  }

  /** `nonce`: up to 128 characters; the answer repeats it. */
  evidence(nonce: string, signal: AbortSignal): Promise<EvidenceResponse> {
    return this.#client.evidence({ nonce }, { signal })
  }

  async sync(signal: AbortSignal): Promise<void> {
    await this.#client.sync({}, { signal })
  }

  /** Resolves when the guest has begun to power off. */
  async powerOff(signal: AbortSignal): Promise<void> {
    await this.#client.powerOff({}, { signal })
  }
}
