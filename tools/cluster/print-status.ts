import { data, talk } from '../../packages/cli/src/output/streams.ts'
import { renderTable } from '../../packages/cli/src/output/table.ts'
import type { ClusterStatus } from './cluster-status.ts'
import { describeShape } from './shape.ts'

/** The programs as a table on stdout; what is said of the whole on stderr. */
export function printStatus(status: ClusterStatus, options: { terminal: boolean }): void {
  if (!status.shape) {
    talk('bulkhead: there is no cluster')
    return
  }
  const columns = [
    { title: 'PART', value: ({ part }: Row) => part },
    { title: 'STATE', value: ({ state }: Row) => state },
    { title: 'PID', value: ({ pid }: Row) => pid },
    { title: 'LOG', value: ({ log }: Row) => log },
  ]
  data(renderTable(rows(status), columns, options))
  const ready = status.nodes.filter((node) => node.ready).length
  talk(`bulkhead: ${status.state}: ${describeShape(status.shape)}`)
  talk(`      API server  ${status.server} ${status.apiReady ? 'is ready' : 'is not ready'}`)
  talk(
    `      nodes       ${ready} of ${status.nodes.length} ready, and ${status.fakeNodesReady} of ${status.shape.fakeNodes} fake ones`
  )
  talk(`      KUBECONFIG  ${status.kubeconfig}`)
}

interface Row {
  readonly part: string
  readonly state: string
  readonly pid: string
  readonly log: string
}

const rows = ({ parts, nodes }: ClusterStatus): Row[] => [
  ...nodes.map(({ name, ready }) => ({ part: name, state: ready ? 'ready' : 'not ready', pid: '', log: '' })),
  ...parts.map(({ part, running, pid, log }) => ({
    part,
    state: running ? 'running' : 'ended',
    pid: pid === null ? '' : String(pid),
    log,
  })),
]
