import type { IncomingMessage, ServerResponse } from 'node:http'
import { failure } from '@bulkhead/wire'
import { sendError } from '../send-error.ts'
import { GuestCall } from './guest-call.ts'
import type { GuestProxyContext } from './guest-proxy-context.ts'
import { guestTarget } from './guest-target.ts'

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/**
 * Streams `ANY /v1/sandboxes/{id}/guest/*` to the guest agent: HTTP/1.1 here, a stream of the backend's HTTP/2 session there, nothing
 * re-encoded. It stands before the control API's router, which would read bodies and cost several times what the call does.
 */
export class GuestProxy {
  readonly #context: GuestProxyContext

  constructor(context: GuestProxyContext) {
    this.#context = context
  }

  /** False: not a request to a guest, and untouched. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const found = guestTarget(request.url ?? '')
    if (!found) return false
    const method = request.method ?? ''
    if (found.kind === 'refused') {
      const error = failure('route_not_found', { method, path: found.route.slice(0, 200) })
      this.#context.log.ended({
        operation: 'guest.call',
        durationMs: 0,
        facts: { method, route: found.route.slice(0, 200) },
        outcome: { error },
      })
      sendError(response, error)
    } else if (!methods.has(method)) {
      const allowed = [...methods].join(', ')
      sendError(response, failure('method_not_allowed', { method, path: found.target.route, allowed }))
    } else {
      new GuestCall(this.#context, request, response, found.target).start()
    }
    return true
  }
}
