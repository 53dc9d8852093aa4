import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '@bulkhead/wire/errors'
import { isAlive, type ProcessIdentity } from '../../packages/kernel/src/confine/process-identity.ts'

/**
 * Every process of a cluster bears this in its environment, and its children inherit it: a process is ours because it says so, never because a file
 * remembers its pid.
 */
export const markers = { cluster: 'BULKHEAD_CLUSTER', part: 'BULKHEAD_CLUSTER_PART' } as const

export interface MarkedProcess extends ProcessIdentity {
  readonly parent: number
  /** Its program's name, of which Linux keeps 15 characters. */
  readonly program: string
  /** As it was started for: `node-1/kubelet`. */
  readonly part: string
}

/** Linux's TASK_COMM_LEN without the final zero. */
const programLength = 15
const endDeadlineMs = 30_000

/** All processes of the cluster, on whatever side of a namespace. Containers are not: they have environments of their own, and end with their machine. */
export function markedProcesses(cluster: string): MarkedProcess[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => readMarked(Number(pid), cluster) ?? [])
}

/** The process that runs `program` for `part`, not a child of it that does, too. */
export function findProgramOf(
  processes: readonly MarkedProcess[],
  part: string,
  program: string
): MarkedProcess | undefined {
  const running = processes.filter((one) => one.part === part && one.program === program.slice(0, programLength))
  return running.find(({ parent }) => !running.some(({ pid }) => pid === parent))
}

/** Ends every process of the cluster. Fails `cluster_not_removed` when one does not end. */
export async function killMarked(cluster: string): Promise<void> {
  const deadline = AbortSignal.timeout(endDeadlineMs)
  // Again and again: one that was just being started was not there to be seen.
  for (;;) {
    const found = markedProcesses(cluster)
    if (found.length === 0) return
    if (deadline.aborted) {
      const left = found.map(({ part, pid }) => `process ${pid} (${part})`)
      throw failure('cluster_not_removed', { left: left.join(', ') })
    }
    for (const { pid } of found) signalProcess(pid, 'SIGKILL')
    // The first process of a PID namespace is gone only when all others of it are, the unmarked ones too.
    for (const one of found) await untilGone(one, deadline)
  }
}

/** Asks for an end, and insists after `patienceMs`. Returns when the process is gone. */
export async function endProcess(one: ProcessIdentity, patienceMs: number): Promise<void> {
  if (!(await isAlive(one))) return
  signalProcess(one.pid, 'SIGTERM')
  const patience = AbortSignal.timeout(patienceMs)
  await untilGone(one, patience)
  if (!(await isAlive(one))) return
  signalProcess(one.pid, 'SIGKILL')
  await untilGone(one, AbortSignal.timeout(endDeadlineMs))
}

/** The end of another's child is told by no event. Returns, too, when `patience` is over. */
async function untilGone(one: ProcessIdentity, patience: AbortSignal): Promise<void> {
  for (let waitMs = 1; (await isAlive(one)) && !patience.aborted; waitMs = Math.min(waitMs * 2, 50)) await sleep(waitMs)
}

export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function readMarked(pid: number, cluster: string): MarkedProcess | undefined {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
    if (!environment.includes(`${markers.cluster}=${cluster}`)) return undefined
    const part = environment.find((entry) => entry.startsWith(`${markers.part}=`))?.slice(markers.part.length + 1) ?? ''
    return parseStat(pid, readFileSync(`/proc/${pid}/stat`, 'latin1'), part)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Gone since it was listed, or a kernel thread, or in the middle of its end.
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES') return undefined
    throw error
  }
}

/** Source: proc_pid_stat(5). The name stands in parentheses, and may have some itself. */
function parseStat(pid: number, stat: string, part: string): MarkedProcess | undefined {
  const program = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, parent, startTime] = [fields[0], fields[1], fields[19]]
  if (state === 'Z' || state === 'X' || parent === undefined || startTime === undefined) return undefined
  return { pid, startTime, parent: Number(parent), program, part }
}
