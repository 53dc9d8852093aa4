/** RFC 3339, whose letters may be small. Date.parse alone takes much else for a time, a mere number too. */
const rfc3339 = /^\d{4}-\d{2}-\d{2}t\d{2}:\d{2}:\d{2}(\.\d+)?(z|[+-]\d{2}:\d{2})$/i

/** In ms since 1970. Undefined: it is no time, whatever it is. */
export function timeMs(text: unknown): number | undefined {
  if (typeof text !== 'string' || !rfc3339.test(text)) return undefined
  const ms = Date.parse(text.toUpperCase())
  return Number.isNaN(ms) ? undefined : ms
}
