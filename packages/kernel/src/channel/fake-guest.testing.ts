import { createServer, type Http2Server } from 'node:http2'
import type { Socket } from 'node:net'

/** The guest's half of the handshake, as the agent does it, with what a hostile one adds; for tests. Resolves when the host's GO has come. */
export async function answerHandshake(
  guest: Socket,
  options: { key: string; before?: Buffer; between?: Buffer; after?: Buffer; write?: (data: Buffer) => void }
): Promise<void> {
  const write = options.write ?? ((data: Buffer) => void guest.write(data))
  let heard = ''
  let answered: string | undefined
  const { promise, resolve } = Promise.withResolvers<void>()
  const opening = new RegExp(`\\nBULKHEAD/1 ${options.key} ([0-9a-f]+)\\n`)
  const onData = (chunk: Buffer) => {
    heard += chunk.toString('latin1')
    const nonce = opening.exec(heard)?.[1]
    if (nonce && answered === undefined) {
      answered = nonce
      write(Buffer.concat([options.before ?? Buffer.alloc(0), Buffer.from(`\nOK ${nonce}\n`)]))
    }
    if (answered !== undefined && heard.includes(`\nGO ${answered}\n`)) {
      guest.off('data', onData)
      guest.pause()
      const go = Buffer.from(`\nGO ${answered}\n`)
      const rest = Buffer.from(heard.slice(heard.indexOf(go.toString()) + go.length), 'latin1')
      if (rest.length > 0) guest.unshift(rest)
      write(Buffer.concat([options.between ?? Buffer.alloc(0), go, options.after ?? Buffer.alloc(0)]))
      resolve()
    }
  }
  guest.on('data', onData)
  await promise
}

/** An agent that answers every request with `pong`. */
export function pongServer(): Http2Server {
  return createServer((_, response) => response.end('pong'))
}
