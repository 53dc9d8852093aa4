import { failure } from '@bulkhead/wire/errors'
import { Code, ConnectError } from '@connectrpc/connect'

/** Codes by which it is not there, or not in time; with the others it has answered. */
const absent: ReadonlySet<Code> = new Set([Code.Unavailable, Code.Aborted, Code.Canceled, Code.DeadlineExceeded])

/** An error of a call as one of the table: `cri_unreachable`, `cri_answer_invalid` or `cri_call_failed`. */
export function criFailure(socket: string, call: string, error: unknown) {
  const { code, rawMessage, cause } = ConnectError.from(error)
  if (absent.has(code) || isConnectError(cause)) {
    return failure('cri_unreachable', { socket, reason: rawMessage }, { cause: error })
  }
  if (code === Code.ResourceExhausted || code === Code.Unimplemented || code === Code.Internal) {
    return failure('cri_answer_invalid', { socket, call, problem: rawMessage }, { cause: error })
  }
  return failure('cri_call_failed', { socket, call, reason: `${rawMessage} (${Code[code]})` }, { cause: error })
}

/** The socket is not there, or not ours to use: `connect` itself failed. */
const isConnectError = (cause: unknown): boolean =>
  cause instanceof Error && 'syscall' in cause && cause.syscall === 'connect'
