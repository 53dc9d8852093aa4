/**
 * Runs tasks at the same time. The first failure, or `signal`, aborts the others; settles only when all have ended, so that nothing goes on behind
 * a clean-up's back. Rejects with the first failure.
 */
export async function together<T>(
  signal: AbortSignal,
  tasks: readonly ((signal: AbortSignal) => Promise<T>)[]
): Promise<T[]> {
  const failed = new AbortController()
  const inner = AbortSignal.any([signal, failed.signal])
  const outcomes = await Promise.allSettled(
    tasks.map(async (task) => {
      try {
        return await task(inner)
      } catch (error) {
        failed.abort(error)
        throw error
      }
    })
  )
  signal.throwIfAborted()
  failed.signal.throwIfAborted()
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<T>).value)
}
