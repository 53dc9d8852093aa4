import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BulkheadError, failure } from '@bulkhead/wire/errors'
import { identifyProcess, isAlive, type ProcessIdentity } from '../../packages/kernel/src/confine/process-identity.ts'
import { makeCgroup } from './cgroups.ts'
import { imageFiles } from './images.ts'
import { inside, machineMounts, makeMachineFolder } from './machine-folder.ts'
import { netnsPath } from './network.ts'
import type { MachinePlan } from './plan.ts'
import { endProcess, findProgramOf, type MarkedProcess, markedProcesses, markers, signalProcess } from './processes.ts'
import { runTool, toolPath } from './run-tool.ts'

/** A program that a machine runs for as long as the cluster is up. */
export interface Service {
  /** Its program's file name; unique in the machine. */
  readonly name: string
  readonly argv: readonly [string, ...string[]]
  /** Whether it is started again whenever it ends. Default false. */
  readonly restarts?: boolean
  /** Resolves when it does its work. An abort means that nobody waits any longer. */
  readonly ready: (signal: AbortSignal) => Promise<void>
}

/** What all machines of a cluster have in common. */
export interface MachineHouse {
  /** The cluster's id. */
  readonly id: string
  readonly artifacts: string
  readonly volumes: string
  /** The folder with the pause program. */
  readonly images: string
  /** Folders of programs, as seen inside; they come first on every program's PATH. */
  readonly path: readonly string[]
}

const initName = 'machine'
const shell = 'sh'
/** Runs its arguments again and again. What ends at once is not to take a core. */
const restarting = 'while :; do "$@"; echo "it has ended with $?, and is started again" >&2; sleep 1; done'
/** A machine starts in milliseconds, and its programs in seconds; minutes mean that something is wrong. */
const startDeadlineMs = 30_000
const readyDeadlineMs = 120_000
/** Between two looks at whether a program that is to become ready still runs. */
const lookEveryMs = 100
const systemPath = '/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * A machine that shares only the kernel with the host: namespaces for processes, mounts, network and its name. Its first process does nothing;
 * when it ends, all others end with it and their mounts are gone. Its state is what can be seen of it, nothing is remembered.
 */
export class Machine {
  readonly plan: MachinePlan
  readonly #house: MachineHouse

  constructor(plan: MachinePlan, house: MachineHouse) {
    this.plan = plan
    this.#house = house
  }

  /** Its first process, as the host sees it. */
  get init(): MarkedProcess | undefined {
    return findProgramOf(markedProcesses(this.#house.id), this.#part(initName), imageFiles.program)
  }

  find(service: string): MarkedProcess | undefined {
    return this.#findProgram({ name: service }, service)
  }

  #findProgram({ name }: Pick<Service, 'name'>, program: string): MarkedProcess | undefined {
    return findProgramOf(markedProcesses(this.#house.id), this.#part(name), program)
  }

  logFile(service: string): string {
    return join(this.plan.logs, `${service}.log`)
  }

  /** Starts it unless it runs. One that an interruption left half made is made anew. Its network has to be there. */
  async ensure(signal: AbortSignal): Promise<void> {
    await makeMachineFolder(this.plan)
    await makeCgroup(this.plan.cgroup)
    const running = this.init
    if (running && existsSync(rootOf(running) + inside.complete)) return
    await this.kill()
    const init = await this.#startInit(signal)
    await this.#mountAll(init, signal)
    const settings = ['net.ipv4.ip_forward=1', `kernel.hostname=${this.plan.name}`]
    await this.run(['sysctl', '--quiet', '--write', ...settings], signal)
    await writeFile(rootOf(init) + inside.complete, '')
  }

  /** Ends it with everything in it, as a power cut would. Its disk stays. */
  async kill(): Promise<void> {
    const processes = markedProcesses(this.#house.id).filter(({ part }) => part.startsWith(`${this.plan.name}/`))
    for (const { pid } of processes) signalProcess(pid, 'SIGKILL')
    for (const one of processes) await endProcess(one, 0)
  }

  /** Runs a program inside to its end. Fails `host_tool_failed`. */
  run(argv: readonly [string, ...string[]], signal: AbortSignal): Promise<string> {
    return runTool(['nsenter', ...this.#enter(), '--', ...argv], signal)
  }

  /** Path, on the host, of a file inside. The machine has to run. */
  hostPath(path: string): string {
    return rootOf(this.#needInit()) + path
  }

  /** Starts the program unless it runs, and waits until it is ready. Fails `cluster_part_failed` when it ends or takes too long. */
  async ensureService(service: Service, signal: AbortSignal): Promise<void> {
    // One that restarts is there as long as its shell is.
    const process = this.#findProgram(service, service.restarts ? shell : service.name)
    await this.#untilReady(service, process ?? (await this.#startService(service)), signal)
  }

  /** SIGTERM, and after ten seconds SIGKILL. Fine when it does not run. Not for one that restarts, as the next. */
  async stopService(name: string): Promise<void> {
    const running = this.find(name)
    if (running) await endProcess(running, 10_000)
  }

  /** SIGKILL. Fine when it does not run. */
  async killService(name: string): Promise<void> {
    const running = this.find(name)
    if (running) await endProcess(running, 0)
  }

  async #untilReady(service: Service, process: ProcessIdentity, signal: AbortSignal): Promise<void> {
    const deadline = AbortSignal.timeout(readyDeadlineMs)
    const settled = new AbortController()
    const inner = AbortSignal.any([signal, deadline, settled.signal])
    const fail = (reason: string) => this.#failure(service.name, reason)
    const ready = service.ready(inner)
    const ended = untilEnded(process, inner).then(() => {
      throw fail('it has ended')
    })
    try {
      await Promise.race([ready, ended])
    } catch (error) {
      signal.throwIfAborted()
      throw deadline.aborted ? fail(`it was not ready after ${readyDeadlineMs / 1000} s`) : error
    } finally {
      settled.abort()
      await Promise.allSettled([ready, ended])
    }
  }

  #failure(service: string, reason: string): BulkheadError {
    return failure('cluster_part_failed', { part: this.#part(service), reason, log: this.logFile(service) })
  }

  #part(name: string): string {
    return `${this.plan.name}/${name}`
  }

  #enter(): string[] {
    return [`--target=${this.#needInit().pid}`, '--mount', '--uts', '--net', '--pid']
  }

  #needInit(): MarkedProcess {
    const { init } = this
    if (!init) throw this.#failure(initName, 'it does not run')
    return init
  }

  async #startInit(signal: AbortSignal): Promise<MarkedProcess> {
    const outer = await this.#spawn(initName, [
      ...(['nsenter', `--net=${netnsPath(this.plan)}`] as const),
      ...['unshare', '--pid', '--fork', '--kill-child=KILL', '--mount', '--mount-proc', '--uts'],
      join(this.#house.images, imageFiles.program),
    ])
    const deadline = AbortSignal.timeout(startDeadlineMs)
    // The program's name is seen once its namespaces are there and /proc is its own: unshare becomes it as its last act.
    for (;;) {
      const { init } = this
      if (init) return init
      const reason = !(await isAlive(outer)) ? 'it has ended' : deadline.aborted ? 'it did not start' : undefined
      if (reason) throw this.#failure(initName, reason)
      await sleep(2, undefined, { signal })
    }
  }

  async #mountAll(init: MarkedProcess, signal: AbortSignal): Promise<void> {
    const { artifacts, volumes } = this.#house
    // Else they would keep the host's network namespaces, other clusters' too, from ending.
    await this.run(['umount', '--recursive', '--lazy', '/run/netns'], signal)
    await this.run(['mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/run'], signal)
    for (const place of [inside.machine, inside.artifacts, inside.volumes]) {
      await mkdir(rootOf(init) + place, { recursive: true })
    }
    for (const args of machineMounts({ folder: this.plan.folder, artifacts, volumes })) {
      await this.run(['mount', ...args], signal)
    }
  }

  #startService({ name, argv, restarts }: Service): Promise<ProcessIdentity> {
    const again = restarts ? [`/bin/${shell}`, '-c', restarting, shell] : []
    return this.#spawn(name, ['nsenter', ...this.#enter(), '--', ...again, ...argv])
  }

  /** Lives on when this process ends. Returns the outermost process: it ends when the program does. */
  async #spawn(name: string, [tool, ...args]: readonly [string, ...string[]]): Promise<ProcessIdentity> {
    const log = await open(this.logFile(name), 'a', 0o640)
    try {
      const child = spawn(toolPath(tool), args, {
        cwd: '/',
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
        env: {
          PATH: [...this.#house.path, systemPath].join(':'),
          // Of the machine's own: what root has at home, such as credentials of registries, is the host's.
          HOME: '/tmp',
          [markers.cluster]: this.#house.id,
          [markers.part]: this.#part(name),
        },
      })
      const failed = new Promise<never>((_, reject) => child.once('error', reject))
      const spawned = new Promise<void>((resolve) => child.once('spawn', resolve))
      await Promise.race([spawned, failed])
      child.unref()
      const identity = child.pid === undefined ? undefined : await identifyProcess(child.pid)
      // Ended before it could be looked at: no process is the one that was started.
      return identity ?? { pid: child.pid ?? 0, startTime: '' }
    } finally {
      await log.close()
    }
  }
}

/** The end of what may be another's child is told by no event. */
async function untilEnded(process: ProcessIdentity, signal: AbortSignal): Promise<void> {
  while (await isAlive(process)) await sleep(lookEveryMs, undefined, { signal })
}

/** The machine's root folder through its first process. Sources: proc_pid_root(5). */
const rootOf = ({ pid }: ProcessIdentity): string => `/proc/${pid}/root`
