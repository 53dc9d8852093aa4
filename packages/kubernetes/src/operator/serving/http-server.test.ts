import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../controller/index.ts'
import { plainText, type Route, serveHttp } from './http-server.ts'
import { serveHealth } from './serve-health.ts'

const address = { host: '127.0.0.1', port: 0 }
const serve = (routes: Record<string, Route>) => serveHttp({ name: 'test', address, routes, log: silentLogger })

describe('serveHttp', () => {
  it('answers what it has, and nothing else', async () => {
    await using server = await serve({ '/a': (query) => plainText(200, `a ${query.get('b')}`) })
    const ask = async (path: string, method = 'GET') => {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method })
      return [response.status, await response.text()]
    }
    expect(await ask('/a?b=c')).toEqual([200, 'a c'])
    expect(await ask('/a', 'HEAD')).toEqual([200, ''])
    expect(await ask('/a', 'POST')).toEqual([405, 'only GET and HEAD\n'])
    expect(await ask('/a/b')).toEqual([404, 'not found\n'])
    expect(await ask('/__proto__')).toEqual([404, 'not found\n'])
  })

  it('tells a route when its caller has gone', async () => {
    const asked = Promise.withResolvers<AbortSignal>()
    await using server = await serve({
      '/slow': (_, signal) => {
        asked.resolve(signal)
        return new Promise(() => {})
      },
    })
    const caller = new AbortController()
    const answer = fetch(`http://127.0.0.1:${server.port}/slow`, { signal: caller.signal })
    const signal = await asked.promise
    caller.abort()
    await expect(answer).rejects.toThrow()
    await expect.poll(() => signal.aborted).toBe(true)
  })

  it('closes under open connections', async () => {
    const asked = Promise.withResolvers<void>()
    const server = await serve({
      '/slow': () => {
        asked.resolve()
        return new Promise(() => {})
      },
    })
    const answer = fetch(`http://127.0.0.1:${server.port}/slow`)
    answer.catch(() => {})
    await asked.promise
    await server[Symbol.asyncDispose]()
    await expect(answer).rejects.toThrow()
  })

  it('says which flag asks for an address that is taken', async () => {
    await using server = await serve({})
    const taken = { ...address, port: server.port }
    await expect(
      serveHttp({ name: 'metrics-bind-address', address: taken, routes: {}, log: silentLogger })
    ).rejects.toMatchObject({
      code: 'invalid_request',
      facts: { field: 'metrics-bind-address' },
    })
  })
})

it('is ready when nothing is waited for', async () => {
  let missing = ['pods']
  await using server = await serveHealth({ address, waitsFor: () => missing, log: silentLogger })
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`)
    return [response.status, await response.text()]
  }
  expect(await ask('/readyz')).toEqual([503, 'not synced: pods\n'])
  expect(await ask('/healthz')).toEqual([200, 'ok'])
  missing = []
  expect(await ask('/readyz')).toEqual([200, 'ok'])
})
