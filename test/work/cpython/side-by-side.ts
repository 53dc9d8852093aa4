import type { ModuleReport, Outcome } from './module-report.ts'

const marks: Readonly<Record<Outcome, string>> = { passed: '', skipped: 's', failed: 'F', hung: 'H' }

/** A table for people: for each module and lane how many tests passed, were skipped, failed or hung, and how long it took. */
export function sideBySide(lanes: Readonly<Record<string, readonly ModuleReport[]>>): string {
  const names = [...new Set(Object.values(lanes).flatMap((reports) => reports.map(({ module }) => module)))].sort()
  const rows = names.map((name) => [
    name,
    ...Object.values(lanes).map((reports) => cell(reports.filter(({ module }) => module === name))),
  ])
  const sums = ['all', ...Object.values(lanes).map(cell)]
  return [['module', ...Object.keys(lanes)], ...rows, sums]
    .map(([name = '', ...cells]) => name.padEnd(20) + cells.map((text) => text.padEnd(30)).join(''))
    .join('\n')
}

function cell(reports: readonly ModuleReport[]): string {
  const outcomes = reports.flatMap((report) => Object.values(report.outcomes).map(([outcome]) => outcome))
  const counts = (Object.keys(marks) as Outcome[])
    .map((outcome) => [outcomes.filter((one) => one === outcome).length, marks[outcome]] as const)
    .filter(([count, mark]) => count > 0 || mark === '')
  const seconds = reports.reduce((sum, report) => sum + report.seconds, 0)
  return reports.length === 0
    ? '-'
    : `${counts.map(([count, mark]) => `${count}${mark}`).join(' ')}  ${seconds.toFixed(0)} s`
}
