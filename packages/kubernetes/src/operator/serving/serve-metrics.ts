import type { Registry } from 'prom-client'
import type { Clock, Logger } from '../../controller/index.ts'
import type { BindAddress } from '../flags/go-values.ts'
import type { OperatorOptions } from '../operator-options.ts'
import { type HttpServer, type Route, serveHttp } from './http-server.ts'
import { profileRoute } from './profiles.ts'

export interface MetricsServerOptions {
  readonly address: BindAddress
  readonly registry: Registry
  readonly profiles: OperatorOptions['profiles']
  readonly clock: Clock
  readonly log: Logger
}

export function serveMetrics({ address, registry, profiles, clock, log }: MetricsServerOptions): Promise<HttpServer> {
  const metrics: Route = async () => ({ status: 200, type: registry.contentType, body: await registry.metrics() })
  const routes = {
    '/metrics': metrics,
    ...(profiles.cpu && { '/debug/pprof/profile': profileRoute('cpu', clock) }),
    ...(profiles.heap && { '/debug/pprof/heap': profileRoute('heap', clock) }),
  }
  return serveHttp({ name: 'metrics-bind-address', address, routes, log })
}
