import type { Verdict } from '@bulkhead/wire'
import { checks, insideTable } from './checks.ts'
import { excusedBy } from './missing.ts'
import type { InsideTestimony, Testimony } from './testimony.ts'

/**
 * Compares what host and inside say with what was promised. Pure. Each check stands in the verdict with what was seen, also when it held.
 * What a host without root cannot give (see `withoutRoot`) is not checked: it stands in the witness's `missing`. An inside that is silent
 * makes the outcome `unknown`, never `proven`; one that contradicts makes it `violated`.
 */
export function judge(testimony: Testimony): Verdict {
  const results = checks
    .filter((check) => check.subject === 'host' || testimony.inside !== undefined)
    .map((check) => ({ name: check.name, ...check.look(testimony) }))
    .filter((result) => result.held || !excusedBy(testimony.host.missing, result.name))
  const outcome = results.some((result) => !result.held) ? 'violated' : testimony.inside ? 'proven' : 'unknown'
  return { outcome, checks: results }
}

/** The checks of what the inside says, alone: where nobody sees the host side. */
export const insideChecks = (testimony: InsideTestimony): Verdict['checks'] =>
  insideTable.map(({ name, look }) => ({ name, ...look(testimony) }))
