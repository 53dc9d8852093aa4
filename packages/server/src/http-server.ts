import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { serverLimits } from './server-limits.ts'

export type HttpLimits = Readonly<
  Record<'connections' | 'headerBytes' | 'headers' | 'headersMs' | 'keepAliveMs' | 'checkEveryMs', number>
>

/** Node's HTTP/1.1 server with bounds against clients that are slow or many on purpose. `limits`: see {@link serverLimits}. */
export function httpServer(
  listener: (request: IncomingMessage, response: ServerResponse) => void,
  limits: HttpLimits = serverLimits
): Server {
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersMs,
      // Calls to guests stream for hours; control requests have a deadline of their own for their bodies.
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: limits.checkEveryMs,
      noDelay: true,
    },
    listener
  )
  server.maxConnections = limits.connections
  server.maxHeadersCount = limits.headers
  return server
}
