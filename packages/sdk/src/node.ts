/** The client for Node, which also knows Unix sockets. */
import { Bulkhead } from './bulkhead.ts'
import { fetchClient } from './http/fetch-client.ts'
import { unixClient } from './node/unix-client.ts'

export * from './exports.ts'

export type ConnectOptions = { readonly socketPath: string } | { readonly url: string }

/** A client of the server that listens there. Sends nothing yet. */
export const connect = (to: ConnectOptions): Bulkhead =>
  new Bulkhead('socketPath' in to ? unixClient(to.socketPath) : fetchClient(to.url))
