/** Of one connection, not of the message (RFC 9110, 7.6.1), and those that older programs treat so. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** For the router, or answered by it: a sandbox sees neither who its client is to the router, nor how it was found. */
const ownRequestHeaders: ReadonlySet<string> = new Set(['host', 'authorization', 'expect'])
const ownPrefix = 'x-sandbox-'

/**
 * What of a request's headers goes on to the sandbox: names as written, repeated ones repeated. `raw` alternates names and values. `upgrade` is the
 * protocol the connection is to change to, if it is to.
 */
export function requestHeaders(raw: readonly string[], upgrade?: string): Record<string, string[]> {
  const named = connectionNamed(raw)
  const kept = new Map<string, { name: string; values: string[] }>()
  let chunked = false
  for (const [name, value] of pairs(raw)) {
    const key = name.toLowerCase()
    if (key === 'transfer-encoding') chunked = true
    if (hopByHop.has(key) || named.has(key) || ownRequestHeaders.has(key) || key.startsWith(ownPrefix)) continue
    const known = kept.get(key)
    if (known) known.values.push(value)
    else kept.set(key, { name, values: [value] })
  }
  return {
    ...Object.fromEntries([...kept.values()].map(({ name, values }) => [name, values])),
    // Framing is the router's own: as the client framed it, so that what has no length may have none.
    ...(chunked && { 'Transfer-Encoding': ['chunked'] }),
    ...(upgrade && { Connection: ['Upgrade'], Upgrade: [upgrade] }),
  }
}

/** What of an answer's headers goes back to the client, in their order; names and values alternate. */
export function responseHeaders(raw: readonly string[]): string[] {
  const named = connectionNamed(raw)
  return [...pairs(raw)].filter(([name]) => !hopByHop.has(name.toLowerCase()) && !named.has(name.toLowerCase())).flat()
}

/** Headers that `Connection` makes hop-by-hop. It cannot do so to what frames the message: that would be two readings of one message. */
function connectionNamed(raw: readonly string[]): Set<string> {
  const named = [...pairs(raw)]
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => value.toLowerCase().split(','))
    .map((name) => name.trim())
  return new Set(named.filter((name) => name !== 'content-length'))
}

function* pairs(raw: readonly string[]): Iterable<[name: string, value: string]> {
  for (let at = 0; at + 1 < raw.length; at += 2) yield [raw[at] as string, raw[at + 1] as string]
}
