import { inspect } from 'node:util'
import { isFailure } from '@bulkhead/wire/errors'
import { printable } from './printable.ts'

/** What a user is shown of an error: what happened, what to do next, its code. Cause and stack only with BULKHEAD_DEBUG=1. */
export function describeError(error: unknown, debug: boolean): string {
  if (debug) return `bulkhead: ${inspect(error, { depth: 6 })}`
  if (isFailure(error)) {
    return `bulkhead: ${lines(error.message)}\n      next  ${lines(error.next)}\n      code  ${error.code}`
  }
  const message = error instanceof Error ? error.message : String(error)
  return `bulkhead: ${lines(message)}\n      next  this is a defect of Bulkhead: run it again with BULKHEAD_DEBUG=1 and report what it prints\n      code  internal`
}

/** Messages may have several lines (a command's output, a list of fixes); each is made safe on its own. */
const lines = (text: string): string => text.split('\n').map(printable).join('\n            ')
