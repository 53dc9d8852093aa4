export interface LeaderMetrics {
  /** Whether this process is the leader, from now on. */
  leads(leading: boolean): void
}
