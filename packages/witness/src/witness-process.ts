import { readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { failure, type HostWitness, type IsolationClass, type RuntimeName } from '@bulkhead/wire'
import { readCgroupLimits } from './proc/cgroup-limits.ts'
import { parseMountInfo } from './proc/mount-info.ts'
import { parseNetworkInterfaces } from './proc/network-interfaces.ts'
import { readDescriptors } from './proc/open-descriptors.ts'
import { parseProcessStatus } from './proc/process-status.ts'
import { readText } from './proc/read-text.ts'
import { startTimeOf } from './proc/start-time.ts'

export interface WitnessRequest {
  /** Whose kernel it is: for errors. */
  readonly id: string
  /** The process that is the kernel, as this process's pid namespace counts. */
  readonly pid: number
  /** Field 22 of /proc/PID/stat, so that a reused pid is not witnessed in its place. */
  readonly startTime: string
  readonly runtime: RuntimeName
  readonly isolation: IsolationClass
  /** What the runtime could not give this kernel, as `subject: reason`; see `withoutRoot`. */
  readonly missing?: readonly string[]
  /** Default `/proc`; for tests. */
  readonly procRoot?: string
}

/**
 * What the host sees of one process: read from /proc and the cgroup file system, never asked of anyone. What may not be read (another
 * user's process, without root) is left empty and named in `missing`. Fails `kernel_gone` when the process has ended or is another.
 */
export async function witnessProcess(request: WitnessRequest): Promise<HostWitness> {
  const procRoot = request.procRoot ?? '/proc'
  const folder = join(procRoot, String(request.pid))
  const missing = [...(request.missing ?? [])]
  const gone = (cause?: unknown) =>
    failure('kernel_gone', { id: request.id, reason: `process ${request.pid} has ended` }, { cause })

  /** `fallback` where it may not be read, with an entry in `missing`. */
  const readable = async <T>(what: string, read: Promise<T>, fallback: T): Promise<T> => {
    try {
      return await read
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT' || code === 'ESRCH') throw gone(error)
      if (code !== 'EACCES' && code !== 'EPERM') throw error
      missing.push(`${what}: may not be read by this user`)
      return fallback
    }
  }
  const sameNamespace = async (name: string): Promise<boolean> => {
    const own = await readlink(join(procRoot, 'self', 'ns', name))
    // Unknown counts as shared with the host: the worse of the two.
    return (await readable(`${name} namespace`, readlink(join(folder, 'ns', name)), own)) === own
  }

  const status = await readable('status', readText(join(folder, 'status')), undefined)
  if (status === undefined) throw gone()
  const { uids, gids, seccomp, noNewPrivs, capabilities } = parseProcessStatus(status)
  const [
    executable,
    sharesUser,
    sharesNetwork,
    sharesMounts,
    sharesPids,
    interfaces,
    mounts,
    hostMounts,
    cgroup,
    descriptors,
  ] = await Promise.all([
    readable('executable', readlink(join(folder, 'exe')), ''),
    sameNamespace('user'),
    sameNamespace('net'),
    sameNamespace('mnt'),
    sameNamespace('pid'),
    readable('interfaces', readText(join(folder, 'net', 'dev')).then(parseNetworkInterfaces), []),
    readable('mounts', readText(join(folder, 'mountinfo')).then(parseMountInfo), []),
    readText(join(procRoot, 'self', 'mountinfo')).then(parseMountInfo),
    readable('cgroup', readCgroupLimits(procRoot, request.pid), {}),
    readable('descriptors', readDescriptors(folder), []),
  ])
  // Last: everything above was of the process that was asked for only if it is still there now.
  if ((await startTimeOf(folder)) !== request.startTime) throw gone()

  const hostDevices = new Set(hostMounts.map((mount) => mount.device))
  return {
    runtime: request.runtime,
    isolation: request.isolation,
    pid: request.pid,
    executable,
    // A process has four of each; root among them would be root.
    uid: Math.min(...uids),
    gid: Math.min(...gids),
    seccomp,
    noNewPrivs,
    capabilities: [...capabilities],
    ownUserNamespace: !sharesUser,
    ownNetworkNamespace: !sharesNetwork,
    ownMountNamespace: !sharesMounts,
    ownPidNamespace: !sharesPids,
    interfaces,
    mounts: mounts.map(({ target, source, type, readOnly, device, root }) => ({
      target,
      source: root === '/' ? source : `${source}[${root}]`,
      type,
      readOnly,
      sharedWithHost: hostDevices.has(device),
    })),
    cgroup,
    descriptors,
    missing,
  }
}
