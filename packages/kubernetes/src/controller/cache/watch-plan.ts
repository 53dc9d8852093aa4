import { isGone, isVersionTooLarge } from '../client/api-error.ts'
import { LineTooLongError } from '../client/line-splitter.ts'
import { compareResourceVersions } from '../client/resource-version.ts'
import { MalformedEventError } from '../client/watch-event.ts'

/** The server told of a version before one it has told of already: its history is another one, as after a restore from a back-up. */
export class HistoryRewoundError extends Error {
  override readonly name = 'HistoryRewoundError'

  constructor(seen: string, told: string) {
    super(`the API server is at version ${told}, and was at ${seen} before`)
  }
}

/** Throws {@link HistoryRewoundError} when `told` certainly is older than `seen`. */
export function assertForward(seen: string, told: string): void {
  if ((compareResourceVersions(told, seen) ?? 0) < 0) throw new HistoryRewoundError(seen, told)
}

/** How a list or a watch went. */
export interface Ended {
  readonly what: 'list' | 'watch'
  /** Undefined: the list is complete; the watch ended in order, or was cut. */
  readonly error?: unknown
  /** From its beginning to its end. */
  readonly livedMs: number
  /** Events of a watch, bookmarks included. */
  readonly events: number
}

export interface Next {
  readonly what: 'list' | 'watch'
  /** False: at once. */
  readonly backoff: boolean
  /** Why the world is listed anew, for logs and metrics. */
  readonly reason: 'first' | 'gone' | 'rewound' | 'malformed' | 'resume'
}

/** A watch shorter than this without an event did not get anywhere: without a pause the next would be as short. */
const fruitfulMs = 1_000

/**
 * What an informer does next; pure. It goes on from the last version for as long as the server lets it, because a list of everything is what hurts a
 * server that is just coming back; it lists anew when that version is gone, or nothing that follows it can be trusted.
 */
export function planNext({ what, error, livedMs, events }: Ended): Next {
  if (what === 'list')
    return error === undefined
      ? { what: 'watch', backoff: false, reason: 'resume' }
      : { what: 'list', backoff: true, reason: 'first' }
  const fruitful = events > 0 || livedMs >= fruitfulMs
  if (error === undefined) return { what: 'watch', backoff: !fruitful, reason: 'resume' }
  if (isGone(error)) return { what: 'list', backoff: !fruitful, reason: 'gone' }
  if (isVersionTooLarge(error) || error instanceof HistoryRewoundError)
    return { what: 'list', backoff: true, reason: 'rewound' }
  if (error instanceof MalformedEventError || error instanceof LineTooLongError)
    return { what: 'list', backoff: true, reason: 'malformed' }
  return { what: 'watch', backoff: true, reason: 'resume' }
}
