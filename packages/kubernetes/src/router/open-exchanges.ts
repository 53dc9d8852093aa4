import type { Exchanged } from './exchange.ts'

/** What is under way, by the address it goes to: so that it can be cut when that Pod is taken out of service. */
export class OpenExchanges {
  readonly #byHost = new Map<string, Set<Exchanged>>()

  /** Until its connection, or its answer, has come to its end. */
  add(host: string, exchanged: Exchanged): void {
    const all = this.#byHost.get(host) ?? new Set()
    this.#byHost.set(host, all.add(exchanged))
    endOf(exchanged).once('close', () => {
      all.delete(exchanged)
      if (all.size === 0 && this.#byHost.get(host) === all) this.#byHost.delete(host)
    })
  }

  /** At once: what the Pod has said last is not waited for. */
  cut(host: string): void {
    for (const exchanged of this.#byHost.get(host) ?? []) endOf(exchanged).destroy()
  }
}

const endOf = ({ upgrade, response }: Exchanged) => upgrade?.socket ?? response
