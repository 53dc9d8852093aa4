import { failure, isFailure } from '@bulkhead/wire'
import { toFailure } from '../controller/index.ts'

/** Runs an operation of the Backend so that what it throws has a code; a cancelled one fails with its signal's reason when that has one. */
export async function guard<Result>(
  operation: string,
  run: () => Promise<Result>,
  signal?: AbortSignal
): Promise<Result> {
  try {
    return await run()
  } catch (error) {
    if (signal?.aborted) {
      const { reason } = signal
      throw isFailure(reason) ? reason : failure('request_cancelled', { operation }, { cause: reason })
    }
    throw toFailure(error) ?? failure('internal_error', { operation }, { cause: error })
  }
}
