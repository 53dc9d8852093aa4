import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type FileHandle, open } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { availableParallelism } from 'node:os'
import { dialUnix } from '../channel/dial-unix.ts'
import type { Cgroup, CgroupParent } from '../confine/cgroup.ts'
import { type Bind, confinedCommand } from '../confine/confined-command.ts'
import { identifyProcess, isAlive, type ProcessIdentity } from '../confine/process-identity.ts'
import { BoundedTail } from './bounded-tail.ts'
import { listenForChild } from './listening-socket.ts'
import { inherited, inside, type QemuPlan, qemuArguments, qemuLimits } from './qemu-arguments.ts'
import { QmpClient } from './qmp-client.ts'
import type { RunFolder } from './run-folder.ts'
import { readVmmStatus, untilVmmEnd } from './vmm-status.ts'

const MiB = 1024 * 1024
/** How long bwrap may take to tell of QEMU's end, and QEMU to end once it has closed its monitor. */
const endGraceMs = 10_000

/** In the environment of every QEMU: the run folder it belongs to. How `sweep` knows it where there is no cgroup. */
export const kernelMarker = 'BULKHEAD_KERNEL'

export interface VmmHost {
  readonly qemu: string
  readonly holder: string
  readonly kernelImage: string
  readonly initrd: string
  readonly cgroups: CgroupParent
}

export interface VmmRequest {
  /** Names the cgroup. */
  readonly name: string
  readonly folder: RunFolder
  readonly plan: QemuPlan
  /** What QEMU sees besides its program, libraries, firmware, kernel and initrd. */
  readonly binds: readonly Bind[]
  /** Undefined when not started as root. */
  readonly uid: number | undefined
  /** The most it writes to one file, in bytes. */
  readonly maxFileBytes: number
}

/** How the process ended. */
export interface VmmEnd {
  /** 128 + n for signal n; undefined when nobody saw it. */
  readonly exitCode: number | undefined
  readonly outOfMemoryKills: number
  readonly stderr: string
}

/**
 * One confined QEMU process with its cgroup, run folder and monitor; knows nothing of guests. Its end is noticed by the end of the monitor's
 * connection, whoever started it; from then on nothing of it is left but what its caller made.
 */
export class Vmm implements AsyncDisposable {
  readonly process: ProcessIdentity
  readonly monitor: QmpClient
  readonly folder: RunFolder
  readonly cgroup: Cgroup | undefined
  /** Resolves once, never rejects: the process is gone, and its cgroup and folder are removed, or a warning says what is left. */
  readonly ended: Promise<VmmEnd>
  readonly #stderr: BoundedTail | undefined
  readonly #child: ChildProcess | undefined
  #released = false

  private constructor(parts: {
    process: ProcessIdentity
    monitor: QmpClient
    folder: RunFolder
    cgroup: Cgroup | undefined
    started?: { child: ChildProcess; stderr: BoundedTail }
  }) {
    this.process = parts.process
    this.monitor = parts.monitor
    this.folder = parts.folder
    this.cgroup = parts.cgroup
    this.#child = parts.started?.child
    this.#stderr = parts.started?.stderr
    this.ended = this.#watch()
  }

  /** Starts QEMU; resolves when it has opened its sockets. Nothing of it is left when this rejects, with the signal's reason or why. */
  static async start(host: VmmHost, request: VmmRequest, signal: AbortSignal): Promise<Vmm> {
    signal.throwIfAborted()
    await using undo = new AsyncDisposableStack()
    await request.folder.make()
    undo.defer(() => request.folder.remove())
    // The start keeps several processors busy: held to one it would be put to sleep in the middle. {@link limitProcessor} comes before the
    // guest's first work.
    const limits = qemuLimits(request.plan)
    const cpus = Math.max(limits.cpus, availableParallelism())
    const cgroup = await host.cgroups.create(request.name, { ...limits, cpus })
    undo.defer(() => cgroup?.remove())

    const { child, monitorSocket } = await launch(host, request, cgroup)
    undo.defer(async () => {
      const { pid } = await readVmmStatus(request.folder.status)
      if (child.pid !== undefined && !hasExited(child)) kill(pid ?? -child.pid)
      await collect(child)
    })
    const stderr = new BoundedTail(child.stderr as Socket, 16 * 1024)
    const spawned = Promise.withResolvers<never>()
    child.once('error', spawned.reject)

    try {
      const monitor = undo.use(await Promise.race([QmpClient.open(monitorSocket, signal), spawned.promise]))
      const { pid } = await readVmmStatus(request.folder.status)
      const process = pid === undefined ? undefined : await identifyProcess(pid)
      if (!process) throw new Error('QEMU ended as soon as it had started')
      undo.move()
      return new Vmm({ process, monitor, folder: request.folder, cgroup, started: { child, stderr } })
    } catch (error) {
      if (signal.aborted) throw signal.reason
      const words = stderr.text.trim().split('\n').slice(-3).join('; ')
      throw words ? new Error(`QEMU did not start: ${words}`, { cause: error }) : error
    }
  }

  /** Holds it to the processors of its plan, after its start. */
  async limitProcessor(plan: QemuPlan): Promise<void> {
    await this.cgroup?.limit(qemuLimits(plan))
  }

  /** Takes over one that another process started. Undefined when it no longer runs; what is left of it then stays for `sweep`. */
  static async adopt(
    request: {
      readonly name: string
      readonly folder: RunFolder
      readonly process: ProcessIdentity
      readonly cgroups: CgroupParent
    },
    signal: AbortSignal
  ): Promise<Vmm | undefined> {
    if (!(await isAlive(request.process))) return undefined
    const monitor = await QmpClient.open(await dialUnix(request.folder.monitorSocket, signal), signal)
    const cgroup = await request.cgroups.find(request.name)
    return new Vmm({ process: request.process, monitor, folder: request.folder, cgroup })
  }

  /** Ends it at once; resolves as {@link ended}. */
  async kill(): Promise<VmmEnd> {
    await this.#killProcesses()
    return this.ended
  }

  /** Lets go of it: it runs on, and {@link ended} never resolves. */
  async release(): Promise<void> {
    this.#released = true
    await this.monitor[Symbol.asyncDispose]()
    for (const stream of this.#child?.stdio ?? []) stream?.destroy()
    this.#child?.unref()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }

  async #watch(): Promise<VmmEnd> {
    await this.monitor.closed
    if (this.#released) return new Promise(() => {})
    const exitCode = await this.#exitCode().catch(() => undefined)
    const outOfMemoryKills = (await this.cgroup?.outOfMemoryKills().catch(() => 0)) ?? 0
    try {
      await this.#killProcesses()
      await this.cgroup?.remove()
      await this.folder.remove()
    } catch (error) {
      // It has ended all the same, and the next sweep tries again.
      process.emitWarning(`something is left of the kernel in ${this.folder.path}: ${String(error)}`)
    }
    return { exitCode, outOfMemoryKills, stderr: this.#stderr?.text ?? '' }
  }

  /** Undefined when it is not told in time: QEMU closed its monitor and lives on (it has been taken over), or bwrap was killed. */
  async #exitCode(): Promise<number | undefined> {
    if (!this.#child) return untilVmmEnd(this.folder.status, endGraceMs)
    await untilExit(this.#child)
    return this.#child.exitCode ?? undefined
  }

  async #killProcesses(): Promise<void> {
    if (await isAlive(this.process)) kill(this.process.pid)
    if (this.#child) await collect(this.#child)
    else await untilVmmEnd(this.folder.status, endGraceMs)
    await this.cgroup?.kill()
  }
}

async function launch(host: VmmHost, request: VmmRequest, cgroup: Cgroup | undefined) {
  await using scope = new AsyncDisposableStack()
  const status = scope.use(await open(request.folder.status, 'ax', 0o600))
  const monitorListener = scope.use(await listenForChild(request.folder.monitorSocket))
  const channelListener = scope.use(await listenForChild(request.folder.channelSocket))
  const { row, accelerator } = request.plan
  const device = accelerator === 'kvm' ? row.hardware?.device : undefined
  const acceleratorDevice: FileHandle | undefined = device ? scope.use(await open(device, 'r+')) : undefined

  const command = await confinedCommand(
    {
      holder: host.holder,
      cgroups: cgroup?.folders ?? [],
      uid: request.uid,
      binds: [
        { source: host.qemu, target: host.qemu, access: 'read' },
        { source: host.kernelImage, target: inside.kernel, access: 'read' },
        { source: host.initrd, target: inside.initrd, access: 'read' },
        ...row.firmware.map((path): Bind => ({ source: path, target: path, access: 'read', optional: true })),
        ...request.binds,
      ],
      maxFileBytes: request.maxFileBytes + 64 * MiB,
      descriptors: acceleratorDevice ? inherited.accelerator + 1 : inherited.accelerator,
      statusFd: inherited.status,
    },
    host.qemu,
    qemuArguments(request.plan)
  )
  const child = spawn(command.file, [...command.args], {
    cwd: '/',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', [kernelMarker]: request.folder.path },
    // Its own session: Ctrl-C in the terminal is for the server, not for the kernels.
    detached: true,
    stdio: [
      'ignore',
      'ignore',
      'pipe',
      status.fd,
      'pipe',
      monitorListener.fd,
      channelListener.fd,
      ...(acceleratorDevice ? [acceleratorDevice.fd] : []),
    ],
  })
  return { child, monitorSocket: child.stdio[inherited.monitor] as Socket }
}

/**
 * Waits until the chain from the holder to QEMU has ended, QEMU having been killed: the first process of its pid namespace, whose end bwrap
 * collects, tells of and follows. A bwrap that does not is killed as a process group, which the whole chain is, also across the namespace.
 */
async function collect(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || (await untilExit(child)) === 'exited') return
  kill(-child.pid)
  await untilExit(child)
}

const hasExited = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

async function untilExit(child: ChildProcess): Promise<'exited' | 'late'> {
  if (hasExited(child)) return 'exited'
  const late = AbortSignal.timeout(endGraceMs)
  return once(child, 'exit', { signal: late }).then(
    () => 'exited',
    (error: unknown) => {
      if (late.aborted) return 'late'
      throw error
    }
  )
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
