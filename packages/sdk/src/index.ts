/** @packageDocumentation The TypeScript client of Bulkhead, for browsers and Node. Unix sockets: `@bulkhead/sdk/node`. */
import { Bulkhead } from './bulkhead.ts'
import { fetchClient } from './http/fetch-client.ts'

export * from './exports.ts'

export interface ConnectOptions {
  /** Of the server: `http://host:port`. */
  readonly url: string
  readonly fetch?: typeof fetch
}

/** A client of the server at `url`. Sends nothing yet. */
export const connect = ({ url, fetch }: ConnectOptions): Bulkhead => new Bulkhead(fetchClient(url, fetch))
