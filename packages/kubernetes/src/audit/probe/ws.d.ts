/** The slice of `ws` that is used. It comes without types of its own. */
declare module 'ws' {
  import type { EventEmitter } from 'node:events'
  import type { ClientRequest, IncomingMessage } from 'node:http'
  import type { ConnectionOptions } from 'node:tls'

  export interface ClientOptions extends ConnectionOptions {
    readonly headers?: Readonly<Record<string, string>>
    readonly handshakeTimeout?: number
    /** In bytes; a longer message ends the connection. */
    readonly maxPayload?: number
    readonly perMessageDeflate?: boolean
  }

  interface Events {
    open: []
    message: [data: Buffer, isBinary: boolean]
    close: [code: number, reason: Buffer]
    error: [error: Error]
    /** The server answered, but not with an upgrade. Whoever listens has to end the request. */
    'unexpected-response': [request: ClientRequest, response: IncomingMessage]
  }

  export class WebSocket extends EventEmitter<Events> {
    constructor(address: URL, protocols: readonly string[], options: ClientOptions)
    /** With a word to the other side. */
    close(): void
    /** At once, and without one. */
    terminate(): void
  }
}
