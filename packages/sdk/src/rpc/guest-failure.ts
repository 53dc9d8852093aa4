import { failure } from '@bulkhead/wire/errors'
import { RpcError } from './rpc-error.ts'

/** An error of a guest's call as one a caller can match on; all else as it is. */
export function guestFailure(error: unknown, operation: string): unknown {
  if (!(error instanceof RpcError)) return error
  return failure('guest_call_failed', { operation, rpcCode: error.code, detail: error.message }, { cause: error })
}
