import type { ClientHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { GuestChannel } from '@bulkhead/kernel/guest-channel'
import { dialTcp } from './dial-tcp.ts'

/** How a Pod is reached. Default: by TCP at its address, which works from nodes and from Pods. */
export type Dial = (host: string, port: number, signal: AbortSignal) => Promise<Socket>

/** An agent that was just started does not listen yet, and nothing tells when it does. */
const againMs = 20
const timeoutMs = 15_000

/** The HTTP/2 session to each sandbox's guest agent, at most one each. */
export class GuestLinks implements AsyncDisposable {
  readonly #dial: Dial
  readonly #port: number
  readonly #links = new Map<string, { readonly address: string; readonly channel: GuestChannel }>()

  constructor(port: number, dial: Dial = dialTcp) {
    this.#port = port
    this.#dial = dial
  }

  /** Fails `guest_unreachable`, or with the signal's reason. */
  session(id: string, address: string, signal: AbortSignal): Promise<ClientHttp2Session> {
    let link = this.#links.get(id)
    if (link?.address !== address) {
      link?.channel.close('its Pod has another address')
      const channel = new GuestChannel({ id, dial: (signal) => this.#untilItListens(address, signal), timeoutMs })
      link = { address, channel }
      this.#links.set(id, link)
    }
    return link.channel.session(signal)
  }

  close(id: string, reason: string): void {
    this.#links.get(id)?.channel.close(reason)
    this.#links.delete(id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of [...this.#links.keys()]) this.close(id, 'the server ends')
  }

  async #untilItListens(address: string, signal: AbortSignal): Promise<Socket> {
    for (;;) {
      try {
        return await this.#dial(address, this.#port, signal)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error
        await sleep(againMs, undefined, { signal })
      }
    }
  }
}
