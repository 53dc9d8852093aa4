import { failure } from '@bulkhead/wire/errors'
import { isDnsLabel } from './dns-label.ts'

/** The environment's say, parsed once at start. */
export interface RouterConfig {
  /** ROUTER_LISTEN: `PORT` or `ADDRESS:PORT`, IPv6 addresses in brackets. Default 8080, on all addresses. */
  readonly listen: { readonly host: string | undefined; readonly port: number }
  /** PROXY_TIMEOUT_SECONDS: longest silence of an exchange; caps what a request asks for. Default 180. */
  readonly timeoutMs: number
  /** CLUSTER_DOMAIN: end of the names of Services. Default cluster.local. */
  readonly clusterDomain: string
  /** ROUTER_AUTH_TOKEN: what clients have to bear; undefined only with ALLOW_UNAUTHENTICATED_ROUTER=true. */
  readonly token: string | undefined
  /** ROUTER_NAMESPACE: serve and watch Sandboxes of this one only. Default: all. */
  readonly namespace: string | undefined
  /** ROUTER_LOG_LEVEL: `info`, or `debug` for a line about each request; what is refused or cut short is told anyway. Default info. */
  readonly debug: boolean
}

const domain = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/
/** A day: longer than any proxy in between would wait. */
const maxTimeoutSeconds = 86_400

/** Fails `invalid_request` with the variable's name when a value is not understood, and when nothing says who may use the router. */
export function loadRouterConfig(env: NodeJS.ProcessEnv): RouterConfig {
  return Object.freeze({
    listen: listenAt(env.ROUTER_LISTEN || '8080'),
    timeoutMs: seconds(env.PROXY_TIMEOUT_SECONDS || '180') * 1000,
    clusterDomain: clusterDomain(env.CLUSTER_DOMAIN || 'cluster.local'),
    token: token(env),
    namespace: namespace(env.ROUTER_NAMESPACE || undefined),
    debug: isDebug(env.ROUTER_LOG_LEVEL || 'info'),
  })
}

function listenAt(value: string): RouterConfig['listen'] {
  const [, bracketed, plain, digits] = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^[\]:]*)):)?(\d{1,5})$/.exec(value) ?? []
  const port = Number(digits)
  if (port <= 65_535) return { host: bracketed || plain || undefined, port }
  throw failure('invalid_request', { field: 'ROUTER_LISTEN', problem: 'must be PORT or ADDRESS:PORT' })
}

function seconds(value: string): number {
  const number = /^\d{1,6}(\.\d{1,3})?$/.test(value) ? Number(value) : Number.NaN
  if (number > 0 && number <= maxTimeoutSeconds) return number
  const problem = `must be a number of seconds above 0, at most ${maxTimeoutSeconds}`
  throw failure('invalid_request', { field: 'PROXY_TIMEOUT_SECONDS', problem })
}

function clusterDomain(value: string): string {
  if (domain.test(value)) return value
  throw failure('invalid_request', { field: 'CLUSTER_DOMAIN', problem: 'must be a domain name like cluster.local' })
}

function token(env: NodeJS.ProcessEnv): string | undefined {
  const open = env.ALLOW_UNAUTHENTICATED_ROUTER?.toLowerCase() === 'true'
  if (env.ROUTER_AUTH_TOKEN) return env.ROUTER_AUTH_TOKEN
  if (open) return undefined
  const problem = 'must be set; or set ALLOW_UNAUTHENTICATED_ROUTER=true to let everybody in who reaches the router'
  throw failure('invalid_request', { field: 'ROUTER_AUTH_TOKEN', problem })
}

function namespace(value: string | undefined): string | undefined {
  if (value === undefined || isDnsLabel(value)) return value
  throw failure('invalid_request', { field: 'ROUTER_NAMESPACE', problem: 'must be the name of a namespace' })
}

function isDebug(value: string): boolean {
  if (value === 'info' || value === 'debug') return value === 'debug'
  throw failure('invalid_request', { field: 'ROUTER_LOG_LEVEL', problem: 'must be info or debug' })
}
