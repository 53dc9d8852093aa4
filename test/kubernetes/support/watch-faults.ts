import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** How a watch ends before its time. */
export type WatchFault =
  | { readonly kind: 'cut-before-head' }
  /** Accepted, and nothing said. */
  | { readonly kind: 'cut-after-head' }
  /** After so many whole lines, in the middle of the next. */
  | { readonly kind: 'cut-mid-line'; readonly lines: number }
  /** After the first bookmark: the place to go on from is no object's. */
  | { readonly kind: 'cut-after-bookmark' }
  /** What comes is swallowed for so long; then the connection is cut. */
  | { readonly kind: 'silence'; readonly ms: number }
  /** After so many lines the server says that it no longer knows the version to go on from. */
  | { readonly kind: 'expire'; readonly lines: number }

/**
 * The API server sends a bookmark two seconds before it ends a watch, if it has seen a change of that kind since the watch began. Source: the watch
 * cache's nextBookmarkTime.
 */
const shortLifeSeconds = 6

/** The address of a watch whose first bookmark comes soon. */
export function withShortLife(address: string): string {
  const url = new URL(address, 'https://any')
  url.searchParams.set('timeoutSeconds', String(shortLifeSeconds))
  return url.pathname + url.search
}

const expired = {
  type: 'ERROR',
  object: {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    message: 'too old resource version (a fault of the test)',
    reason: 'Expired',
    code: 410,
  },
}

/** Passes an accepted watch on, line by line, to its end or to that which the fault makes for it; says whether it was the fault's. */
export async function passWatch(
  answer: IncomingMessage,
  outgoing: ServerResponse,
  fault: { readonly kind: string } | undefined
): Promise<boolean> {
  const what = fault as WatchFault | undefined
  const cut = () => {
    outgoing.destroy()
    answer.destroy()
    return true
  }
  if (what?.kind === 'cut-after-head') return cut()
  if (what?.kind === 'silence') {
    answer.resume()
    await sleep(what.ms)
    return cut()
  }
  let passed = 0
  for await (const line of linesOf(answer)) {
    if (what?.kind === 'cut-mid-line' && passed >= what.lines) {
      // Its beginning has to leave this process before the end of the connection does.
      await new Promise((sent) => outgoing.write(line.subarray(0, line.length / 2), sent))
      return cut()
    }
    if (what?.kind === 'expire' && passed >= what.lines) {
      outgoing.end(`${JSON.stringify(expired)}\n`)
      answer.destroy()
      return true
    }
    await new Promise((sent) => outgoing.write(line, sent))
    passed += 1
    if (what?.kind === 'cut-after-bookmark' && line.includes('"type":"BOOKMARK"')) return cut()
  }
  outgoing.end()
  return false
}

/** With their line ends. */
async function* linesOf(answer: IncomingMessage): AsyncGenerator<Buffer, void> {
  let rest = Buffer.alloc(0)
  for await (const chunk of answer) {
    rest = Buffer.concat([rest, chunk as Buffer])
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      yield rest.subarray(0, end + 1)
      rest = rest.subarray(end + 1)
    }
  }
}
