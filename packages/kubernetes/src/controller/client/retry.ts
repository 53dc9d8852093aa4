import { fullJitterMs } from '../queue/backoff.ts'
import { type ApiError, isTooManyRequests } from './api-error.ts'
import { TransportError } from './transport-error.ts'

/** Tries of one call, the first included. */
const maxTries = 6
const backoff = { baseMs: 50, maxMs: 3_000 }
/** A server that asks for more is not waited for: the caller has a back-off of its own. */
const longestRetryAfterMs = 30_000
/** What a 429 without `Retry-After` means; the API server sends 1 s itself. */
const defaultRetryAfterMs = 1_000

/**
 * In how many ms to try again, or undefined: not at all. Only what certainly was not carried out is tried again: a request that never left, and one
 * the server refused to begin (429: priority and fairness, or a server that shuts down). A read that was cut off may be repeated as well. A write
 * without an answer is the caller's to look after.
 */
export function retryDelayMs(
  error: ApiError | TransportError | unknown,
  { method, tries, random }: { readonly method: string; readonly tries: number; readonly random: () => number }
): number | undefined {
  if (tries >= maxTries) return undefined
  if (isTooManyRequests(error)) {
    const asked = error.retryAfterMs ?? defaultRetryAfterMs
    // Spread, or all that were refused together come back together.
    return asked > longestRetryAfterMs ? undefined : asked + random() * asked * 0.5
  }
  if (error instanceof TransportError && (error.unsent || method === 'GET')) return fullJitterMs(backoff, tries, random)
  return undefined
}
