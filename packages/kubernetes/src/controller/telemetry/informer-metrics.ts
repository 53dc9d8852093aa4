/** What an informer reports as it happens. */
export interface InformerMetrics {
  changed(type: 'added' | 'updated' | 'deleted'): void
  /** The world was listed anew, or the watch went on; and why. */
  restarted(what: 'list' | 'watch', reason: string): void
  handlerFailed(): void
  /** How many objects are known, to be asked at a scrape. */
  observe(size: () => number): void
}
