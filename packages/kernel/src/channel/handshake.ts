import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { ByteSeeker } from './byte-seeker.ts'

/** How often the first line is said again: what was said while nobody listened in the guest is lost. */
const repeatEveryMs = 50
/** How long the guest may take from its OK to its GO before all of it begins anew: it may have given up on a line it could not write. */
const startAnewAfterMs = 2000
/** What the guest may still send of the session before; a virtio-serial queue and the VMM's buffers hold far less. */
const defaultMaxDiscardedBytes = 16 * 1024 * 1024

export interface HandshakeOptions {
  /** 32 hex digits, known to the host and the guest agent only. */
  readonly key: string
  readonly maxDiscardedBytes?: number
}

/**
 * Begins a session on a byte stream that knows no connections (virtio-serial), where the other side may be in the middle of the last one:
 *
 *     host  → \nBULKHEAD/1 <key> <nonce>\n   again and again until answered
 *     guest → \nOK <nonce>\n
 *     host  → \nGO <nonce>\n
 *     guest → \nGO <nonce>\n                 then the session's own bytes, both ways
 *
 * Resolves with the socket paused and the first byte it gives being the first of the new session. The guest is not trusted: what it
 * sends before its GO is dropped unread and bounded. Rejects with the signal's reason, or why the stream ended; the socket is then destroyed.
 */
export async function handshake(socket: Socket, options: HandshakeOptions, signal: AbortSignal): Promise<void> {
  const line = (text: string) => Buffer.from(`\n${text}\n`, 'latin1')
  const seekerOf = (text: string) => new ByteSeeker(line(text), options.maxDiscardedBytes ?? defaultMaxDiscardedBytes)
  const newRound = () => {
    const nonce = randomBytes(16).toString('hex')
    return { nonce, ok: seekerOf(`OK ${nonce}`), go: seekerOf(`GO ${nonce}`), answered: false }
  }

  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let round = newRound()
  let timer: NodeJS.Timeout | undefined

  const call = () => {
    // Not while the last call has not left: a guest that does not read must not make us hoard.
    if (socket.writableLength === 0) socket.write(line(`BULKHEAD/1 ${options.key} ${round.nonce}`))
    timer = setTimeout(call, repeatEveryMs)
  }
  const startAnew = () => {
    round = newRound()
    call()
  }
  const onData = (chunk: Buffer) => {
    try {
      let rest: Buffer | undefined = chunk
      if (!round.answered) {
        rest = round.ok.seek(rest)
        if (rest === undefined) return
        round.answered = true
        clearTimeout(timer)
        socket.write(line(`GO ${round.nonce}`))
        timer = setTimeout(startAnew, startAnewAfterMs)
      }
      rest = round.go.seek(rest)
      if (rest === undefined) return
      socket.off('data', onData)
      socket.pause()
      if (rest.length > 0) socket.unshift(rest)
      resolve()
    } catch (error) {
      reject(error)
    }
  }
  const onError = (error: Error) => reject(error)
  const onEnd = () => reject(new Error('the channel ended during the handshake'))
  const onAbort = () => reject(signal.reason)

  signal.addEventListener('abort', onAbort, { once: true })
  socket.on('data', onData).on('error', onError).on('end', onEnd).on('close', onEnd)
  try {
    signal.throwIfAborted()
    if (!/^[0-9a-f]{32}$/.test(options.key)) throw new TypeError('a channel key has 32 lower-case hex digits')
    if (socket.destroyed || !socket.readable) throw new Error('the channel had ended before the handshake')
    call()
    await promise
  } catch (error) {
    // An error listener stays: destroying can still bring one, and nobody else listens.
    socket.on('error', () => {})
    socket.destroy()
    throw error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    socket.off('data', onData).off('error', onError).off('end', onEnd).off('close', onEnd)
  }
}
