import type { IncomingHttpHeaders } from 'node:http2'

/**
 * What of a guest's response headers reaches the client; all else is dropped. The guest is untrusted and answers under the server's
 * origin: a cookie, a redirect, a CORS grant or a policy it sends would count as the server's own.
 */
const passed = new Set([
  'accept-ranges',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'etag',
  'last-modified',
  'retry-after',
  'vary',
])
/** Connect's own, the trailers of its unary calls, and the attributes of a file. */
const passedPrefixes = ['connect-', 'trailer-', 'x-metadata-'] as const

const maxHeaders = 100
const maxHeaderBytes = 32 * 1024
/** What RFC 9110 §5.5 lets no header value hold. */
const invalidValue = /[^\t\x20-\x7e\x80-\xff]/
const contentLength = /^\d{1,15}$/

export type GuestResponseHead =
  | { readonly kind: 'head'; readonly status: number; readonly headers: Record<string, string> }
  | { readonly kind: 'invalid'; readonly problem: string }

/** Reads the head of a guest's response; `invalid`: it must not be passed on at all. */
export function guestResponseHead(received: IncomingHttpHeaders): GuestResponseHead {
  const status = received[':status']
  if (typeof status !== 'number' || status < 200 || status > 599)
    return { kind: 'invalid', problem: 'a status that ends no exchange' }
  const headers: Record<string, string> = {
    // A file of the guest's, opened in a browser, must not act as a page of the server's origin.
    'content-security-policy': 'sandbox',
    'x-content-type-options': 'nosniff',
  }
  let count = 0
  let bytes = 0
  for (const name in received) {
    const value = received[name]
    if (value === undefined || name.startsWith(':')) continue
    const text = Array.isArray(value) ? value.join(', ') : String(value)
    count += 1
    bytes += name.length + text.length
    if (count > maxHeaders || bytes > maxHeaderBytes) return { kind: 'invalid', problem: 'too many headers' }
    if (!passed.has(name) && !passedPrefixes.some((prefix) => name.startsWith(prefix))) continue
    if (invalidValue.test(text)) return { kind: 'invalid', problem: 'a header with control characters' }
    if (name === 'content-length' && !contentLength.test(text))
      return { kind: 'invalid', problem: 'a length that is no number' }
    headers[name] = text
  }
  return { kind: 'head', status, headers }
}

/** The one trailer with a meaning: why a tar stream ended early. Undefined: none, or not one that can be passed on. */
export function guestTrailers(received: IncomingHttpHeaders): Record<string, string> | undefined {
  const reason = received['x-tree-error']
  if (typeof reason !== 'string' || reason.length > 4096 || invalidValue.test(reason)) return undefined
  return { 'x-tree-error': reason }
}
