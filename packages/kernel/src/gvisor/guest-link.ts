import type { ClientHttp2Session } from 'node:http2'
import { failure, type InsideView, isFailure } from '@bulkhead/wire'
import { dialUnix } from '../channel/dial-unix.ts'
import { GuestChannel } from '../channel/guest-channel.ts'
import { GuestControl } from '../channel/guest-control.ts'
import { insideView } from '../channel/inside-view.ts'
import type { GuestIdentity } from '../contract.ts'
import { reasonOf } from './reason-of.ts'

/** The first handshake waits for the guest's boot. */
const handshakeTimeoutMs = 30_000

/** The way to a guest's agent through its holder, with the key the agent listens for at this moment. */
export class GuestLink {
  readonly #channel: GuestChannel
  readonly #id: string
  #key: string

  constructor({ id, socket, key }: { id: string; socket: string; key: string }) {
    this.#id = id
    this.#key = key
    this.#channel = new GuestChannel({
      id,
      dial: (signal) => dialUnix(socket, signal),
      key: () => this.#key,
      timeoutMs: handshakeTimeoutMs,
    })
  }

  /** Secret: whoever has it can speak to the agent as the host. */
  get key(): string {
    return this.#key
  }

  session(signal: AbortSignal): Promise<ClientHttp2Session> {
    return this.#channel.session(signal)
  }

  /** Gives the guest its identity, and this link the new key. Before that the kernel is nobody's. */
  async configure(identity: GuestIdentity, signal: AbortSignal): Promise<void> {
    await this.#ask(signal, (guest) => guest.configure(identity, signal))
    this.#key = identity.channelKey
  }

  /** What the guest says of itself: its word, its shape checked. */
  inside(nonce: string, signal: AbortSignal): Promise<InsideView> {
    return this.#ask(signal, async (guest) => insideView(await guest.evidence(nonce, signal)))
  }

  sync(signal: AbortSignal): Promise<void> {
    return this.#ask(signal, (guest) => guest.sync(signal))
  }

  powerOff(signal: AbortSignal): Promise<void> {
    return this.#ask(signal, (guest) => guest.powerOff(signal))
  }

  reset(reason: string): void {
    this.#channel.reset(reason)
  }

  close(reason: string): void {
    this.#channel.close(reason)
  }

  /** Fails `guest_unreachable`, whatever the guest answers instead of what it is asked for, or with the signal's reason. */
  async #ask<T>(signal: AbortSignal, question: (guest: GuestControl) => Promise<T>): Promise<T> {
    try {
      return await question(new GuestControl(await this.session(signal), this.#key))
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (isFailure(error)) throw error
      throw failure('guest_unreachable', { id: this.#id, reason: reasonOf(error) }, { cause: error })
    }
  }
}
