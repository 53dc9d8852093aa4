/** What a client, hostile or not, may take of the server. Bytes and milliseconds. */
export const serverLimits = {
  /** Open connections; further ones are closed at once. */
  connections: 4096,
  /** Requests under way at once, calls to guests among them; further ones get `server_busy`. */
  requests: 2048,
  /** Request line and headers together. */
  headerBytes: 32 * 1024,
  headers: 100,
  /** Of a control request: an environment of 1 MiB and what JSON adds. Bodies of calls to guests stream through and have no bound. */
  bodyBytes: 2 * 1024 * 1024,
  /** From a connection's, or a request's, first byte to the end of its headers. */
  headersMs: 10_000,
  /** For the body of a control request. Calls to guests may take as long as they like: a silent hour is part of a normal one. */
  bodyMs: 60_000,
  /** An open connection without a request. */
  keepAliveMs: 60_000,
  /** How often Node looks for connections that are over `headersMs`. */
  checkEveryMs: 2_000,
  /** How long `close` waits for control requests that were told to stop. */
  closeMs: 10_000,
} as const
