import { setTimeout as sleep } from 'node:timers/promises'

const deadlineMs = 120_000
const lookEveryMs = 200

/** For what no event tells. `what` is said when it does not come about. */
export async function until<T>(what: string, look: () => Promise<T> | T): Promise<NonNullable<T>> {
  const deadline = performance.now() + deadlineMs
  for (;;) {
    const seen = await look()
    if (seen) return seen
    if (performance.now() > deadline) throw new Error(`not after ${deadlineMs / 1000} s: ${what}`)
    await sleep(lookEveryMs)
  }
}
