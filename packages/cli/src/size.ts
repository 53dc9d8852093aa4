import { failure } from '@bulkhead/wire/errors'

const units: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 }

/** `512M`, `1.5G`, `1GiB`, `1073741824` → bytes. Fails `invalid_request`, naming `field` and the limits in the units people write. */
export function parseSize(text: string, field: string, limit: { min: number; max: number }): number {
  const match = /^(\d{1,15}(?:\.\d{1,3})?)([KMGT]?)(?:i?B)?$/i.exec(text.trim())
  const [, number = '', unit = ''] = match ?? []
  const bytes = match ? Math.floor(Number(number) * (units[unit.toUpperCase()] ?? Number.NaN)) : Number.NaN
  if (!Number.isSafeInteger(bytes)) {
    throw failure('invalid_request', {
      field,
      problem: `${JSON.stringify(text)} is not a size; write it like 512M or 2G`,
    })
  }
  if (bytes < limit.min || bytes > limit.max) {
    throw failure('invalid_request', {
      field,
      problem: `${text} is out of range: from ${formatSize(limit.min)} to ${formatSize(limit.max)}`,
    })
  }
  return bytes
}

/** Bytes → the shortest of `512M`, `1.5G`; one decimal place. */
export function formatSize(bytes: number): string {
  for (const unit of ['T', 'G', 'M', 'K']) {
    const size = units[unit] as number
    if (bytes >= size) return `${(bytes / size).toFixed(1).replace(/\.0$/, '')}${unit}`
  }
  return `${bytes}B`
}
