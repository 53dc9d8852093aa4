import { describe, expect, it } from 'vitest'
import { requestHeaders, responseHeaders } from './forwarded-headers.ts'

describe('headers that go on', () => {
  it('to the sandbox: all but those of the connection and of the router', () => {
    const raw = [
      ...['Host', 'router', 'authorization', 'Bearer t', 'X-SANDBOX-ID', 'a', 'x-sandbox-anything', 'b'],
      ...['Connection', 'close, X-Hop', 'X-Hop', '1', 'Keep-Alive', '5', 'Proxy-Authorization', 'p', 'TE', 'trailers'],
      ...['Trailer', 'T', 'Upgrade', 'h2c', 'Expect', '100-continue', 'Proxy-Connection', 'x'],
      ...['Content-Length', '3', 'X-Kept', '1', 'x-kept', '2', 'Cookie', 'c=1', 'X-Request-ID', 'r'],
    ]
    expect(requestHeaders(raw)).toEqual({
      'Content-Length': ['3'],
      'X-Kept': ['1', '2'],
      Cookie: ['c=1'],
      'X-Request-ID': ['r'],
    })
  })

  it('frame the body as the client did', () => {
    expect(requestHeaders(['Transfer-Encoding', 'chunked'])).toEqual({ 'Transfer-Encoding': ['chunked'] })
    expect(requestHeaders(['Connection', 'Content-Length', 'Content-Length', '3'])).toEqual({ 'Content-Length': ['3'] })
  })

  it('ask for a change of protocol only where that is meant', () => {
    expect(requestHeaders(['Connection', 'keep-alive, Upgrade', 'Upgrade', 'websocket'], 'websocket')).toEqual({
      Connection: ['Upgrade'],
      Upgrade: ['websocket'],
    })
  })

  it('back to the client: in their order, as written', () => {
    const raw = ['Set-Cookie', 'a=1', 'Connection', 'close, X-Hop', 'x-hop', '1', 'Set-Cookie', 'b=2', 'Location', '/x']
    expect(responseHeaders(raw)).toEqual(['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Location', '/x'])
  })
})
