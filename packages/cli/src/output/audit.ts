import { type AuditReport, counted } from '@bulkhead/kubernetes/audit'
import { printable } from './printable.ts'
import { type Column, renderTable } from './table.ts'

/** Rows of a table beyond which only `--json` tells the rest. */
const shownRows = 20

type Row<Key extends 'kernels' | 'tenants' | 'nodesLost'> = AuditReport[Key][number]

const kernelColumns: Column<Row<'kernels'>>[] = [
  { title: 'NODE', value: ({ nodes, name }) => (nodes.length > 1 ? `${name} +${nodes.length - 1}` : name) },
  { title: 'EXPOSED', value: ({ exposed }) => (exposed ? 'yes' : 'no') },
  { title: 'PODS', value: ({ radius }) => String(radius.pods) },
  { title: 'TENANTS', value: ({ radius }) => String(radius.tenants.length) },
  { title: 'SECRETS', value: ({ radius }) => String(radius.secrets.length) },
  { title: 'PRIVILEGED', value: ({ radius }) => String(radius.privileged.length) },
  { title: 'WORST TOKEN', value: ({ radius }) => radius.worstPower ?? '-' },
  { title: 'SCORE', value: ({ score }) => String(score) },
]
const tenantColumns: Column<Row<'tenants'>>[] = [
  { title: 'TENANT', value: ({ name }) => name },
  { title: 'PODS', value: ({ pods }) => String(pods) },
  { title: 'OWN KERNEL', value: ({ ownKernel }) => String(ownKernel) },
  { title: 'ENDANGERED BY', value: ({ endangeredBy }) => String(endangeredBy.count) },
  { title: 'SCORE', value: ({ score }) => String(score) },
]
const nodesLostColumns: Column<Row<'nodesLost'>>[] = [
  { title: 'NODES THAT FAIL', value: ({ k }) => String(k) },
  { title: 'TENANTS THAT LOSE ALL', value: ({ worst, tenants }) => `${worst.tenantsLost} of ${tenants}` },
  { title: 'WITH', value: ({ worst }) => worst.nodes.join(' ') || '-' },
  { title: 'ON AVERAGE', value: ({ meanTenantsLost }) => meanTenantsLost.toFixed(2) },
]

/** For people: what falls together, and what to change first. To a pipe, tables go without titles and separated by tabs, one after another. */
export function renderAudit(report: AuditReport, options: { readonly terminal: boolean }): string {
  const table = <R>(rows: readonly R[], columns: readonly Column<R>[]) =>
    renderTable(rows.slice(0, shownRows), columns, options) + restOf(rows)
  return [
    summary(report),
    table(report.kernels, kernelColumns),
    table(report.tenants, tenantColumns),
    table(report.nodesLost, nodesLostColumns),
    changes(report),
    warnings(report),
  ]
    .filter((part) => part !== '')
    .join('\n')
}

const restOf = (rows: readonly unknown[]): string =>
  rows.length > shownRows ? `and ${rows.length - shownRows} more: see --json\n` : ''

function summary({ totals, maxBlastRadius, expectedLoss, compromise }: AuditReport): string {
  const { pods, tenants, nodes, ownKernel, sharing, pending } = totals
  return [
    `${counted(pods, 'pod')} of ${counted(tenants, 'tenant')} on ${counted(nodes, 'node')}: ${ownKernel} with a kernel of their own, ${sharing} on that of their node\n`,
    `with the worst kernel fall ${counted(maxBlastRadius, 'pod')}; ${expectedLoss.toFixed(1)} are lost when each workload is taken with a chance of ${100 * compromise} %\n`,
    ...(pending > 0 ? [`${counted(pending, 'more pod')} on no node yet\n`] : []),
  ].join('')
}

function changes({ changes: list }: AuditReport): string {
  if (list.length === 0) return ''
  const lines = list.map(({ workload, pods, hasOwnKernel, obstacles, lossAfter }, at) => {
    const what = hasOwnKernel ? 'close the way around its kernel' : 'a kernel of its own'
    const hindered = obstacles.length === 0 ? '' : `; in the way: ${printable(obstacles.join(', '))}`
    return `${at + 1}. ${printable(workload)} (${counted(pods, 'pod')}): ${what}; ${lossAfter.toFixed(1)} pods are lost then${hindered}\n`
  })
  return ['change first:\n', ...lines].join('')
}

/** What makes the rest less than true, or worse than it looks. */
function warnings(report: AuditReport): string {
  const { totals, kernels, unknownHandlers, unseenRuntimeClasses, probe, missing } = report
  const merged = kernels.filter(({ nodes }) => nodes.length > 1)
  return [
    ...missing.map(({ what, why, consequence }) => `not seen: ${what}: ${consequence} (${why})`),
    ...merged.map(
      ({ nodes }) =>
        `one kernel: ${nodes.slice(0, 5).join(', ')}${nodes.length > 5 ? ', …' : ''} tell the same boot id, and are judged as one`
    ),
    ...(totals.bypassed > 0
      ? [`${counted(totals.bypassed, 'pod')} with a kernel of their own and a way around it: see waysAround in --json`]
      : []),
    ...unseenRuntimeClasses.map((name) => `RuntimeClass ${name} was not seen: counted as shared`),
    ...unknownHandlers.map(
      (handler) => `unknown handler ${handler}: counted as shared; --handler NAME=CLASS says what it is`
    ),
    ...(probe ? probed(probe) : []),
  ]
    .map((line) => `${printable(line)}\n`)
    .join('')
}

function probed({ answered, pretending, alike, unexpected, silent }: NonNullable<AuditReport['probe']>): string[] {
  return [
    `probed: ${counted(answered, 'pod')} told the boot id of their kernel`,
    ...pretending
      .slice(0, shownRows)
      .map(
        ({ pod, node, runtimeClass }) =>
          `pretending: ${pod} has RuntimeClass ${runtimeClass}, and runs on the kernel of ${node}`
      ),
    ...(pretending.length > shownRows ? [`pretending: and ${pretending.length - shownRows} more: see --json`] : []),
    ...alike
      .slice(0, shownRows)
      .map(
        ({ pods }) =>
          `alike: ${pods.length} pods have one boot id, ${pods[0]} for one: restored from one snapshot, or on one kernel`
      ),
    ...(unexpected.length > 0
      ? [
          `unexpected: ${counted(unexpected.length, 'pod')}, ${unexpected[0]} for one, without such a RuntimeClass and with another boot id than any node; counted as shared`,
        ]
      : []),
    ...silent.map(({ why, pods, first }) => `no answer: ${counted(pods, 'pod')}, ${first[0]} for one: ${why}`),
  ]
}
