/** What a client reports of each request. Times in ms. */
export interface ClientMetrics {
  /** `code`: the HTTP status, or `<error>` when no answer came. */
  requested(request: { readonly method: string; readonly code: string; readonly tookMs: number }): void
  /** Waited for a place and the rate before it was sent. */
  waited(ms: number): void
  retried(request: { readonly method: string; readonly code: string }): void
}
