/** Paths of the control API. The guest agent's own protocol stands below `guest(id)`, unchanged. */
export const routes = {
  health: '/health',
  metrics: '/metrics',
  runtimes: '/v1/runtimes',
  sandboxes: '/v1/sandboxes',
  sandbox: (id: string) => `/v1/sandboxes/${encodeURIComponent(id)}`,
  deadline: (id: string) => `/v1/sandboxes/${encodeURIComponent(id)}/deadline`,
  sandboxEvidence: (id: string) => `/v1/sandboxes/${encodeURIComponent(id)}/evidence`,
  evidence: '/v1/evidence',
  images: '/v1/images',
  prune: '/v1/images/prune',
  image: (name: string) => `/v1/images/${encodeURIComponent(name)}`,
  guest: (id: string) => `/v1/sandboxes/${encodeURIComponent(id)}/guest`,
  shutdown: '/v1/shutdown',
} as const

/**
 * A header of every answer that is an ErrorBody of the server's; its value is the code. A guest answers below `guest(id)` with any body it
 * likes, but the server lets this header of it not through: so a client knows whose advice it reads.
 */
export const errorHeader = 'x-bulkhead-error'
