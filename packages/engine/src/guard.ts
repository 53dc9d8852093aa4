import { failure, isFailure } from '@bulkhead/wire'

/**
 * Runs an operation of the Backend so that what it throws has a code. A cancelled one fails with the reason of its signal when that has a code
 * (`server_stopping`, say), else with `request_cancelled`, whatever the cancelled step itself had to say.
 */
export async function guard<Result>(
  operation: string,
  facts: { readonly stateDirectory: string; readonly signal?: AbortSignal },
  run: () => Promise<Result>
): Promise<Result> {
  try {
    return await run()
  } catch (error) {
    if (facts.signal?.aborted) {
      const { reason } = facts.signal
      throw isFailure(reason) ? reason : failure('request_cancelled', { operation }, { cause: reason })
    }
    if (isFailure(error)) throw error
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOSPC') {
      throw failure('disk_full', { directory: facts.stateDirectory }, { cause: error })
    }
    throw failure('internal_error', { operation }, { cause: error })
  }
}
