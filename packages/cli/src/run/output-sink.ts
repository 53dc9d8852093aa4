import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { BoundedBuffer } from '@bulkhead/sdk/node'

/** Takes what a process prints. A promise that resolves late holds the process back. */
export interface OutputSink {
  write(to: 'stdout' | 'stderr', data: Uint8Array): Promise<void> | undefined
}

/** The reader of our output has gone: as for any program in a pipe, that is SIGPIPE. */
export class ReaderGone extends Error {
  override readonly name = 'ReaderGone'
}

/** Straight through, byte for byte. Rejects {@link ReaderGone} on a closed pipe. */
export function passThrough(stdout: Writable, stderr: Writable): OutputSink & Disposable {
  const gone = Promise.withResolvers<never>()
  gone.promise.catch(() => {}) // told through `write`
  let failed: Error | undefined
  const onError = (cause: NodeJS.ErrnoException) => {
    failed = cause.code === 'EPIPE' ? new ReaderGone('nobody reads the output any more', { cause }) : cause
    gone.reject(failed)
  }
  for (const stream of [stdout, stderr]) stream.on('error', onError)
  return {
    write(to, data) {
      if (failed) return Promise.reject(failed)
      const stream = to === 'stdout' ? stdout : stderr
      if (stream.write(data)) return undefined
      return Promise.race([once(stream, 'drain'), gone.promise]).then(() => {})
    },
    [Symbol.dispose]() {
      for (const stream of [stdout, stderr]) stream.removeListener('error', onError)
    },
  }
}

/** Captured output as JSON carries it: text where it is UTF-8, base64 where it is not. */
export interface Captured {
  readonly text?: string
  readonly base64?: string
  /** More was printed than is kept. */
  readonly truncated: boolean
}

/** Keeps up to `maxBytes` of each; what is beyond is counted as truncated, and the process goes on. */
export class Capture implements OutputSink {
  readonly #kept: { readonly stdout: BoundedBuffer; readonly stderr: BoundedBuffer }

  constructor(maxBytes: number) {
    this.#kept = { stdout: new BoundedBuffer(maxBytes), stderr: new BoundedBuffer(maxBytes) }
  }

  write(to: 'stdout' | 'stderr', data: Uint8Array): undefined {
    this.#kept[to].add(data)
  }

  result(of: 'stdout' | 'stderr'): Captured {
    const { truncated } = this.#kept[of]
    const bytes = this.#kept[of].bytes()
    try {
      return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), truncated }
    } catch {
      return { base64: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'), truncated } // not UTF-8: that is what the decoder's error says
    }
  }
}
