import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { responseHeaders } from './forwarded-headers.ts'

const keepAliveMs = 30_000

/** The head of the sandbox's answer that it changes protocol. */
export function writeSwitch(socket: Duplex, { statusCode = 101, headers, rawHeaders }: IncomingMessage): void {
  const kept = responseHeaders(rawHeaders)
  const lines = [`HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode]}`, 'Connection: Upgrade']
  if (headers.upgrade) lines.push(`Upgrade: ${headers.upgrade}`)
  for (let at = 0; at < kept.length; at += 2) lines.push(`${kept[at]}: ${kept[at + 1]}`)
  socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

/**
 * Passes bytes on between two connections until one closes, which closes the other. Silence is no reason to end it: a terminal is silent while nobody
 * types. A peer that vanished is found out by TCP. `head`: what has been read of each already.
 */
export function joinSockets(near: Duplex, nearHead: Buffer, far: Duplex, farHead: Buffer): void {
  for (const [from, to, head] of [
    [near, far, nearHead],
    [far, near, farHead],
  ] as const) {
    keepAlive(from)
    from.on('error', () => {}) // its close tells
    from.once('close', () => {
      // What one that ended has said last may still be on its way to the other.
      if (from.readableEnded && !to.writableFinished) to.once('finish', () => to.destroy())
      else to.destroy()
    })
    if (head.length > 0) to.write(head)
    from.pipe(to)
  }
}

function keepAlive(socket: Duplex & { setKeepAlive?(on: boolean, delayMs: number): void; setNoDelay?(): void }): void {
  socket.setKeepAlive?.(true, keepAliveMs)
  socket.setNoDelay?.()
}
