import type { AuditReport } from '@bulkhead/kubernetes/audit'
import { printable } from './printable.ts'
import { renderTable } from './table.ts'

/** Rows of a table beyond which only `--json` tells the rest. */
const shownRows = 20

/** For people: what falls together, and what to change first. */
export function renderAudit(report: AuditReport, options: { readonly terminal: boolean }): string {
  const { totals } = report
  const nodes = renderTable(
    report.nodes.slice(0, shownRows),
    [
      { title: 'NODE', value: ({ name }) => name },
      { title: 'EXPOSED', value: ({ exposed }) => (exposed ? 'yes' : 'no') },
      { title: 'PODS', value: ({ radius }) => String(radius.pods) },
      { title: 'TENANTS', value: ({ radius }) => String(radius.tenants.length) },
      { title: 'SECRETS', value: ({ radius }) => String(radius.secrets.length) },
      { title: 'WORST TOKEN', value: ({ radius }) => radius.worstPower ?? '-' },
      { title: 'SCORE', value: ({ score }) => String(score) },
    ],
    options
  )
  const tenants = renderTable(
    report.tenants.slice(0, shownRows),
    [
      { title: 'TENANT', value: ({ name }) => name },
      { title: 'PODS', value: ({ pods }) => String(pods) },
      { title: 'OWN KERNEL', value: ({ ownKernel }) => String(ownKernel) },
      { title: 'ENDANGERED BY', value: ({ endangeredBy }) => String(endangeredBy.length) },
      { title: 'SCORE', value: ({ score }) => String(score) },
    ],
    options
  )
  const changes = report.changes.map(
    ({ workload, pods, obstacles, lossAfter }, at) =>
      `${at + 1}. ${printable(workload)} (${pods} pods): a kernel of its own; the expected loss is ${lossAfter.toFixed(1)} pods then${
        obstacles.length === 0 ? '' : `; in the way: ${printable(obstacles.join(', '))}`
      }\n`
  )
  const unknown = report.unknownHandlers.map(
    (handler) => `unknown handler ${printable(handler)}: counted as shared; --handler NAME=CLASS says what it is\n`
  )
  return [
    `${totals.pods} pods of ${totals.tenants} tenants on ${totals.nodes} nodes: ${totals.ownKernel} with a kernel of their own, ${totals.sharing} share their node's\n`,
    `with the worst kernel fall ${report.maxBlastRadius} pods; the expected loss is ${report.expectedLoss.toFixed(1)} pods\n\n`,
    `${nodes}\n${tenants}`,
    ...(changes.length > 0 ? ['\nchange first:\n', ...changes] : []),
    ...(unknown.length > 0 ? ['\n', ...unknown] : []),
  ].join('')
}
