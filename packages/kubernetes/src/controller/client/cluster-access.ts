import type { ConnectionOptions } from 'node:tls'

/** The slice of node:tls that a way into a cluster decides. */
export type ClusterTls = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'rejectUnauthorized' | 'servername'
>

/** Where a cluster's API server is, and how to prove to it who is asking. */
export interface ClusterAccess {
  /** Origin, and a path in front of every other, if there is one. */
  readonly server: URL
  /** The namespace to use when none is named. */
  readonly namespace: string
  /** Asked for each new connection, so that certificates which were renewed on disk are used. */
  tls(): Promise<ClusterTls>
  /** Asked for each request; cheap. */
  headers(): Promise<Readonly<Record<string, string>>>
  /** The server did not accept the credentials: the next call of {@link headers} gets fresh ones. */
  refresh(): void
}
