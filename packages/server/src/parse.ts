import { failure } from '@bulkhead/wire'
import type { z } from 'zod'

/** The value, with its defaults; fails `invalid_request` naming the first field that is wrong (`body` for the whole). */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, whole = 'body'): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const field = issue?.path.map(String).join('.') || whole
  throw failure('invalid_request', { field: field.slice(0, 200), problem: issue?.message ?? 'invalid' })
}
