import { failure } from '@bulkhead/wire/errors'

const units: Readonly<Record<string, number>> = { ms: 1, '': 1000, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `30`, `30s`, `1.5m`, `500ms`, `2h` → milliseconds; a bare number is seconds, as for `timeout`. Fails `invalid_request`. */
export function parseDuration(text: string, field: string, limit: { min: number; max: number }): number {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d|)$/.exec(text.trim())
  const [, number = '', unit = ''] = match ?? []
  const ms = match ? Math.round(Number(number) * (units[unit] as number)) : Number.NaN
  if (Number.isNaN(ms)) {
    throw failure('invalid_request', {
      field,
      problem: `${JSON.stringify(text)} is not a duration; write it like 30s or 5m`,
    })
  }
  if (ms < limit.min || ms > limit.max) {
    throw failure('invalid_request', {
      field,
      problem: `${text} is out of range: from ${limit.min} to ${limit.max} ms`,
    })
  }
  return ms
}
