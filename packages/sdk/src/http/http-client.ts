/** The one seam between the SDK and how bytes travel: `fetch` in browsers, a Unix socket in Node. */
export interface HttpClient {
  /** For messages: where requests go. */
  readonly address: string
  /**
   * Resolves with the head of the answer, whatever its status. Fails `server_unreachable` when nobody answers; an abort rejects with the
   * signal's reason. Nothing is sent twice unless that cannot matter.
   */
  send(request: HttpRequest): Promise<HttpResponse>
  /** Ends idle connections. */
  close(): void
}

export interface HttpRequest {
  readonly method: string
  /** With its query; starts with `/`. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | AsyncIterable<Uint8Array> | undefined
  readonly signal?: AbortSignal | undefined
}

export interface HttpResponse {
  readonly status: number
  header(name: string): string | undefined
  /** What followed the body, once it has been read to its end; where the transport shows trailers (`fetch` does not). */
  trailer(name: string): string | undefined
  /**
   * To be read once, to its end or not at all; leaving it early ends the request. Fails `connection_lost` when it is cut short.
   * What is not read is not asked for: a slow reader slows the sender down.
   */
  readonly body: AsyncIterable<Uint8Array>
}
