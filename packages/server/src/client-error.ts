import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { type BulkheadError, failure } from '@bulkhead/wire'
import { serverLimits } from './server-limits.ts'

/** Answers what is not HTTP, has too much of a head, or takes too long to send one; and closes. There is no request to answer on yet. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  // Nobody reads an answer on a connection that was reset, or whose response has begun.
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy()
    return
  }
  const problem = problemOf(error)
  const body = JSON.stringify(problem)
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nConnection: close\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    // A peer that does not close its side would keep ours half open.
    () => socket.destroy()
  )
}

function problemOf(error: Error & { code?: string }): BulkheadError {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return failure('invalid_request', { field: 'headers', problem: `larger than ${serverLimits.headerBytes} bytes` })
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return failure('invalid_request', {
        field: 'headers',
        problem: `not complete after ${serverLimits.headersMs} ms`,
      })
    default:
      return failure('invalid_request', { field: 'request', problem: 'not HTTP/1.1' })
  }
}
