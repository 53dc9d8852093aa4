import { request } from 'node:http'
import { failure } from '@bulkhead/wire/errors'
import { routes } from '@bulkhead/wire/routes'

/** Asks the server to end, and resolves when it has let go of the socket. One that is gone already is fine. */
export async function requestShutdown(socketPath: string, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const asked = request({
      socketPath,
      method: 'POST',
      path: routes.shutdown,
      signal,
      headers: { connection: 'close' },
    })
    asked.once('response', (response) => {
      response.resume()
      response.once('close', resolve)
    })
    asked.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ECONNREFUSED' || cause.code === 'ENOENT' || cause.code === 'ECONNRESET') resolve()
      else
        reject(
          signal.aborted
            ? signal.reason
            : failure('server_unreachable', { address: socketPath, reason: cause.message }, { cause })
        )
    })
    asked.end()
  })
}
