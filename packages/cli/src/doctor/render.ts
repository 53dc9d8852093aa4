import { printable } from '../output/printable.ts'
import type { Check } from './check.ts'

const labels = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL' } as const

/** ```
 *  FAIL  program.skopeo  missing
 *        means           fetches OCI images
 *        next            bulkhead setup
 *  ``` */
export function renderChecks(checks: readonly Check[]): string {
  const width = Math.max(...checks.map((check) => check.name.length))
  const row = (label: string, name: string, text: string) => `${label}  ${name.padEnd(width)}  ${printable(text)}\n`
  return checks
    .flatMap((check) => [
      row(labels[check.state], check.name, check.found),
      ...(check.consequence && check.state !== 'ok' ? [row('    ', 'means', check.consequence)] : []),
      ...(check.fix ? [row('    ', 'next', check.fix)] : []),
    ])
    .join('')
}
