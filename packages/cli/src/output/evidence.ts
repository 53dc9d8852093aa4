import type { Evidence } from '@bulkhead/wire'
import { printable } from './printable.ts'
import { renderTable } from './table.ts'

const verdicts = { proven: 'PROVEN', violated: 'VIOLATED', unknown: 'UNKNOWN' } as const

/** The host's view and the inside's, side by side, then every check, then the verdict. */
export function renderEvidence(evidence: Evidence): string {
  const { host, inside, verdict } = evidence
  const rows: [string, string, string][] = [
    [
      'kernel',
      host ? `${host.runtime}, class ${host.isolation}` : '(not seen)',
      inside ? inside.kernelVersion : '(no answer)',
    ],
    ['kernel release', evidence.hostKernelRelease, inside?.kernelRelease ?? ''],
    ['boot id', evidence.hostBootId, inside?.bootId ?? ''],
    ['name', host ? `pid ${host.pid}, ${host.executable}` : '', inside?.hostname ?? ''],
    ['machine id', '', inside?.machineId ?? ''],
    ['clock', evidence.takenAt, inside?.wallClock ?? ''],
    ...(host ? ofProcess(host) : []),
    ['not available here', [...(host?.missing ?? []), ...(evidence.missing ?? [])].join('; ') || 'nothing', ''],
  ]
  const views = renderTable(
    rows,
    [
      { title: '', value: ([name]) => name },
      { title: 'seen by the host', value: ([, outside]) => outside },
      { title: 'said by the inside', value: ([, , within]) => within },
    ],
    { terminal: true }
  )
  const checks = renderTable(
    verdict.checks,
    [
      { title: '', value: ({ held }) => (held ? 'held' : 'FAILED') },
      { title: '', value: ({ name }) => name },
      { title: '', value: ({ detail }) => detail },
    ],
    { terminal: true }
  )
  return `${printable(evidence.sandboxId)}\n${views}${checks}${verdicts[verdict.outcome]}\n`
}

type Host = NonNullable<Evidence['host']>

function ofProcess(host: Host): [string, string, string][] {
  return [
    ['uid, gid', `${host.uid}, ${host.gid}`, ''],
    ['seccomp', { 0: 'NONE', 1: 'strict', 2: 'filter' }[host.seccomp] ?? String(host.seccomp), ''],
    ['no new privileges', host.noNewPrivs ? 'yes' : 'NO', ''],
    ['capabilities', host.capabilities.join(' ') || 'none', ''],
    ['own namespaces', namespaces(host), ''],
    ['network interfaces', host.interfaces.join(' ') || 'none', ''],
    ['limits', limits(host.cgroup), ''],
  ]
}

function namespaces(host: Host): string {
  const own = {
    user: host.ownUserNamespace,
    network: host.ownNetworkNamespace,
    mount: host.ownMountNamespace,
    pid: host.ownPidNamespace,
  }
  const names = Object.entries(own).flatMap(([name, has]) => (has ? [name] : []))
  return names.join(' ') || 'NONE'
}

function limits({ memoryMaxBytes, cpuMax, pidsMax }: Host['cgroup']): string {
  const found = [
    memoryMaxBytes === undefined ? undefined : `memory ${Math.round(memoryMaxBytes / 2 ** 20)}M`,
    cpuMax === undefined ? undefined : `processors ${cpuMax}`,
    pidsMax === undefined ? undefined : `processes ${pidsMax}`,
  ]
  return found.filter((text) => text !== undefined).join(', ') || 'NONE'
}
