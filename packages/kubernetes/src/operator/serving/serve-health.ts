import type { Logger } from '../../controller/index.ts'
import type { BindAddress } from '../flags/go-values.ts'
import { type HttpServer, plainText, serveHttp } from './http-server.ts'

export interface HealthServerOptions {
  readonly address: BindAddress
  /** What is still waited for before work can be done, by name; empty: ready. */
  readonly waitsFor: () => readonly string[]
  readonly log: Logger
}

/**
 * `/healthz`: the process answers. `/readyz`: it could work at once, because its caches are filled; a replica that is not the leader is ready, too.
 */
export function serveHealth({ address, waitsFor, log }: HealthServerOptions): Promise<HttpServer> {
  const routes = {
    '/healthz': () => plainText(200, 'ok'),
    '/readyz': () => {
      const missing = waitsFor()
      return missing.length === 0 ? plainText(200, 'ok') : plainText(503, `not synced: ${missing.join(', ')}\n`)
    },
  }
  return serveHttp({ name: 'health-probe-bind-address', address, routes, log })
}
