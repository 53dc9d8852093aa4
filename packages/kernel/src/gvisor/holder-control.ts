import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { dialUnix } from '../channel/dial-unix.ts'

/** How the process under the holder ended; `lost`: the holder ended without saying. */
export type HeldEnd =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signalled'; readonly signal: string }
  | { readonly kind: 'lost' }

/**
 * The holder's control socket: one JSON line with the process's pid, one when it has ended. The holder is ours and runs as
 * the kernel's user; what it says is checked for shape alone, and no more is done on its word than to that kernel.
 */
export class HolderControl implements Disposable {
  /** The pid of the process under the holder: runsc. */
  readonly pid: number
  /** Resolves once, never rejects. Stays pending after `dispose`. */
  readonly ended: Promise<HeldEnd>
  /** Resolves when the holder itself is gone, or after `dispose`. */
  readonly gone: Promise<void>
  readonly #socket: Socket

  private constructor(socket: Socket, pid: number, ended: Promise<HeldEnd>, gone: Promise<void>) {
    this.#socket = socket
    this.pid = pid
    this.ended = ended
    this.gone = gone
  }

  /** Rejects with the system's error when no holder listens there (`ENOENT`, `ECONNREFUSED`). */
  static async connect(path: string, signal: AbortSignal): Promise<HolderControl> {
    const socket = await dialUnix(path, signal)
    // Every error is followed by the end of the lines, which is what counts.
    socket.on('error', () => {})
    const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })
    const started = Promise.withResolvers<number>()
    const ended = Promise.withResolvers<HeldEnd>()
    const gone = new Promise<void>((resolve) => lines.once('close', resolve))
    const onAbort = () => started.reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    lines.on('line', (line) => {
      const message = parseMessage(line)
      if (message.pid !== undefined) started.resolve(message.pid)
      if (message.end) ended.resolve(message.end)
    })
    lines.on('close', () => {
      started.reject(new Error('the holder ended before it had started its process'))
      if (!released.has(socket)) ended.resolve({ kind: 'lost' })
    })
    try {
      return new HolderControl(socket, await started.promise, ended.promise, gone)
    } catch (error) {
      socket.destroy()
      throw error
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  [Symbol.dispose](): void {
    released.add(this.#socket)
    this.#socket.destroy()
  }
}

/** Connections that this process has ended: theirs is not the holder's end. */
const released = new WeakSet<Socket>()

function parseMessage(line: string): { pid?: number; end?: HeldEnd } {
  let message: unknown
  try {
    message = JSON.parse(line)
  } catch {
    // Not the holder's language; the end of the stream will tell.
    return {}
  }
  if (typeof message !== 'object' || message === null) return {}
  const { pid, exitCode, signal } = message as Record<string, unknown>
  return {
    ...(typeof pid === 'number' && { pid }),
    ...(typeof exitCode === 'number' && { end: { kind: 'exited', code: exitCode } as const }),
    ...(typeof signal === 'string' && { end: { kind: 'signalled', signal } as const }),
  }
}
