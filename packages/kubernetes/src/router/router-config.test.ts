import { describe, expect, it } from 'vitest'
import { loadRouterConfig } from './router-config.ts'

const token = { ROUTER_AUTH_TOKEN: 'secret' }

describe('the router’s settings', () => {
  it('have defaults', () => {
    expect(loadRouterConfig(token)).toEqual({
      listen: { host: undefined, port: 8080 },
      timeoutMs: 180_000,
      clusterDomain: 'cluster.local',
      token: 'secret',
      namespace: undefined,
      debug: false,
    })
  })

  it('have to say who may use it; a token holds also when everybody were let in', () => {
    expect(() => loadRouterConfig({})).toThrow('ROUTER_AUTH_TOKEN')
    expect(() => loadRouterConfig({ ALLOW_UNAUTHENTICATED_ROUTER: 'yes' })).toThrow('ROUTER_AUTH_TOKEN')
    expect(loadRouterConfig({ ALLOW_UNAUTHENTICATED_ROUTER: 'true' }).token).toBeUndefined()
    expect(loadRouterConfig({ ...token, ALLOW_UNAUTHENTICATED_ROUTER: 'true' }).token).toBe('secret')
  })

  it.each([
    ['0', undefined, 0],
    [':9', undefined, 9],
    ['127.0.0.1:9', '127.0.0.1', 9],
    ['[::1]:9', '::1', 9],
  ])('listens at %s', (ROUTER_LISTEN, host, port) => {
    expect(loadRouterConfig({ ...token, ROUTER_LISTEN }).listen).toEqual({ host, port })
  })

  it.each([
    { PROXY_TIMEOUT_SECONDS: '0' },
    { PROXY_TIMEOUT_SECONDS: '-1' },
    { PROXY_TIMEOUT_SECONDS: '1e9' },
    { PROXY_TIMEOUT_SECONDS: '3 minutes' },
    { CLUSTER_DOMAIN: 'a b' },
    { CLUSTER_DOMAIN: '/' },
    { ROUTER_LISTEN: '65536' },
    { ROUTER_LISTEN: 'here' },
    { ROUTER_LOG_LEVEL: 'loud' },
    { ROUTER_NAMESPACE: 'a.b' },
  ])('%j is refused by its name', (env) => {
    expect(() => loadRouterConfig({ ...token, ...env })).toThrow(Object.keys(env)[0])
  })
})
