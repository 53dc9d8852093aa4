import type { ProcessEvent_EndEvent } from '@bulkhead/wire/process'
import { signalName } from './signals.ts'

/** How a process ended. */
export type ProcessExit =
  | { readonly kind: 'exited'; readonly code: number }
  /** `number` is Linux's; a shell would report 128 + number. */
  | { readonly kind: 'signalled'; readonly signal: string; readonly number: number }
  /** It was killed because its `timeoutMs` was over. */
  | { readonly kind: 'timed_out'; readonly afterMs: number }

/** The guest says it: any number may come. */
export function processExit(end: ProcessEvent_EndEvent): ProcessExit {
  if (end.exited) return { kind: 'exited', code: end.exitCode & 0xff }
  const number = end.signal !== undefined && end.signal >= 1 && end.signal <= 64 ? end.signal : 9
  return { kind: 'signalled', signal: signalName(number), number }
}
