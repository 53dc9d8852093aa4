import type { ServerResponse } from 'node:http'
import type { ImageProgress } from '@bulkhead/wire'

/** Progress as lines of JSON. A client that reads slowly gets fewer lines, the newest; memory holds one. */
export class ProgressStream {
  readonly #response: ServerResponse
  #waiting: ImageProgress | undefined
  #full = false

  constructor(response: ServerResponse) {
    this.#response = response
    response.on('drain', () => this.#onDrain())
  }

  /** Whether the head has gone out. */
  get begun(): boolean {
    return this.#response.headersSent
  }

  write(event: ImageProgress): void {
    if (this.#response.destroyed || this.#response.writableEnded) return
    if (this.#full) this.#waiting = event
    else this.#send(event)
  }

  /** The last line is sent whatever waits. */
  end(event: ImageProgress): void {
    if (this.#response.destroyed) return
    this.#begin()
    this.#response.end(line(event))
  }

  #onDrain(): void {
    this.#full = false
    const event = this.#waiting
    this.#waiting = undefined
    if (event) this.write(event)
  }

  #send(event: ImageProgress): void {
    this.#begin()
    this.#full = !this.#response.write(line(event))
  }

  #begin(): void {
    if (!this.begun) this.#response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  }
}

const line = (event: ImageProgress): string => `${JSON.stringify(event)}\n`
