/** How long a sandbox outlives a command that was killed. */
export const deadlineMs = 60_000
const everyMs = 20_000

/**
 * Puts the sandbox's deadline off while this process lives: `prolong` is called every 20 s for a deadline of 60 s, so that two calls may fail.
 * `onLost` is told when it has failed for longer than that.
 */
export function keepAlive(prolong: () => Promise<unknown>, onLost: (error: unknown) => void): Disposable {
  let timer: NodeJS.Timeout | undefined
  let failedSince: number | undefined
  let done = false
  const next = () => {
    timer = setTimeout(tick, everyMs).unref()
  }
  const tick = async () => {
    try {
      await prolong()
      failedSince = undefined
    } catch (error) {
      failedSince ??= performance.now()
      if (performance.now() - failedSince > deadlineMs - everyMs && !done) return onLost(error)
    }
    if (!done) next()
  }
  next()
  return {
    [Symbol.dispose]() {
      done = true
      clearTimeout(timer)
    },
  }
}
