import type { KubernetesObject } from './kubernetes-object.ts'
import { LineSplitter } from './line-splitter.ts'
import type { TransportResponse } from './transport.ts'
import { parseWatchEvent, type WatchEvent } from './watch-event.ts'

/** An object in etcd has 1.5 MiB at most; its JSON with everything escaped stays far below this. */
export const defaultLineLimitBytes = 16 * 2 ** 20

/**
 * An open watch: its events, in the order of their versions. The iteration ends when the server ends the watch or the connection is cut, which says
 * nothing: watch on from the last version. It throws what an ERROR event says (as ApiError), and on events that make no sense.
 */
export class Watch<T extends KubernetesObject> implements AsyncIterable<WatchEvent<T>>, AsyncDisposable {
  readonly #operation: string
  readonly #response: TransportResponse
  readonly #close: (reason: unknown) => void
  readonly #lineLimitBytes: number

  /** `close` ends the connection. */
  constructor(
    operation: string,
    response: TransportResponse,
    close: (reason: unknown) => void,
    lineLimitBytes: number = defaultLineLimitBytes
  ) {
    this.#operation = operation
    this.#response = response
    this.#close = close
    this.#lineLimitBytes = lineLimitBytes
    // Cut while nobody reads: the reader will see it.
    response.body.on('error', () => {})
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent<T>, void> {
    const lines = new LineSplitter(this.#lineLimitBytes)
    try {
      for await (const chunk of this.#chunks()) {
        for (const line of lines.push(chunk)) yield parseWatchEvent<T>(this.#operation, line)
      }
    } finally {
      this.#close(new Error('the watch is no longer read'))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close(new Error('the watch was closed'))
  }

  /** A cut is an end like any other. */
  async *#chunks(): AsyncGenerator<Buffer, void> {
    const body = this.#response.body[Symbol.asyncIterator]()
    for (;;) {
      let next: IteratorResult<Buffer>
      try {
        next = await body.next()
      } catch {
        return
      }
      if (next.done) return
      yield next.value
    }
  }
}
