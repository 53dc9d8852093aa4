import type { IncomingHttpHeaders } from 'node:http'
import type { OutgoingHttpHeaders } from 'node:http2'
import { constants } from 'node:http2'

/**
 * Not passed to the guest. Those of one hop (RFC 9110 §7.6.1), those HTTP/2 forbids (RFC 9113 §8.2.2), and those that are secrets between
 * client and host: the guest is untrusted, and the keys to its own agent are the host's to give.
 */
const withheld = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'expect',
  'host',
  'cookie',
  'x-access-token',
  'x-bulkhead-key',
])

/** The HTTP/2 headers of the request to the guest. `headers`: as Node's parser gives them, names in lower case. */
export function guestRequestHeaders(
  method: string,
  path: string,
  headers: IncomingHttpHeaders,
  accessToken: string
): OutgoingHttpHeaders {
  const sent: OutgoingHttpHeaders = {
    [constants.HTTP2_HEADER_METHOD]: method,
    [constants.HTTP2_HEADER_PATH]: path,
    [constants.HTTP2_HEADER_SCHEME]: 'http',
    [constants.HTTP2_HEADER_AUTHORITY]: 'guest',
  }
  const named = namedByConnection(headers.connection)
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined && !withheld.has(name) && !named?.has(name)) sent[name] = value
  }
  sent['x-access-token'] = accessToken
  return sent
}

/** `Connection` names further headers of this hop. `keep-alive` and `close`, nearly always all there is, cost nothing. */
function namedByConnection(value: string | undefined): Set<string> | undefined {
  if (value === undefined || value === 'keep-alive' || value === 'close') return undefined
  return new Set(value.split(',').map((name) => name.trim().toLowerCase()))
}

/** Whether a body follows (RFC 9112 §6.3). */
export const hasBody = (headers: IncomingHttpHeaders): boolean =>
  headers['transfer-encoding'] !== undefined ||
  (headers['content-length'] !== undefined && headers['content-length'] !== '0')
