import type { ServerResponse } from 'node:http'
import { failure } from '@bulkhead/wire'
import type { IdleWatch } from './idle-watch.ts'
import { sendError } from './send-error.ts'
import { serverLimits } from './server-limits.ts'

/** What every request passes first: refused when the server ends or has too many; counted until its response is closed. */
export class RequestGate {
  readonly #idle: IdleWatch | undefined
  readonly #closing: AbortSignal
  readonly #limit: number
  #open = 0
  #drained: (() => void) | undefined

  /** `limit`: of requests open at once. */
  constructor(idle: IdleWatch | undefined, closing: AbortSignal, limit: number = serverLimits.requests) {
    this.#limit = limit
    this.#idle = idle
    this.#closing = closing
  }

  /** False: it has been answered. */
  admit(response: ServerResponse): boolean {
    if (this.#closing.aborted || this.#open >= this.#limit) {
      response.setHeader('connection', 'close')
      const error = this.#closing.aborted
        ? failure('server_stopping', {})
        : failure('server_busy', { limit: this.#limit })
      sendError(response, error)
      return false
    }
    this.#open += 1
    this.#idle?.enter()
    response.once('close', () => {
      this.#open -= 1
      this.#idle?.leave()
      if (this.#open === 0) this.#drained?.()
    })
    return true
  }

  /** Resolves when no admitted request is open any more. */
  async drained(): Promise<void> {
    if (this.#open === 0) return
    await new Promise<void>((resolve) => {
      this.#drained = resolve
    })
  }
}
