/** As the schema has it. */
const defaultMs = 3_600_000
const mostMs = 24 * 3_600_000
const unitsMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000 }

/** `1h30m` in ms. What was stored past the schema, and is no duration, is the default: the Pod is in quarantine in any case. */
export function retentionMs(text: unknown): number {
  if (typeof text !== 'string' || !/^(\d{1,9}[hms])+$/.test(text)) return defaultMs
  const parts = [...text.matchAll(/(\d+)([hms])/g)]
  const ms = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (unitsMs[unit as string] as number), 0)
  return Math.min(ms, mostMs)
}
