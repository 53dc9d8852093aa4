import { randomBytes } from 'node:crypto'
import { access, constants, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { RuntimeReport } from '@bulkhead/wire'
import type { KernelSpec, RunningKernel } from '../contract.ts'
import { closedTo } from './closed-folder.ts'
import { fingerprint } from './fingerprint.ts'
import type { GvisorOptions } from './gvisor-options.ts'
import { reasonOf } from './reason-of.ts'
import { runName } from './run-folder.ts'
import { runProgram } from './run-program.ts'

const MiB = 1024 * 1024
/** A boot takes 0.2 s; ten seconds are enough on any machine that could be used. */
const deadlineMs = 30_000

type Boot = (spec: KernelSpec, signal: AbortSignal) => Promise<RunningKernel>

/** Finds out by a real boot, with an empty root, whether gVisor works here. */
export class Probe {
  readonly #options: GvisorOptions
  readonly #missing: string[]
  readonly #boot: Boot

  constructor(options: GvisorOptions, missing: string[], boot: Boot) {
    this.#options = options
    this.#missing = missing
    this.#boot = boot
  }

  /** Never rejects for "not usable", only with the signal's reason. */
  async report({ fresh }: { fresh?: boolean }, signal: AbortSignal): Promise<RuntimeReport> {
    const unfit = await this.#unfitFile()
    if (unfit) return { ...this.#frame(), usable: false, reason: unfit }
    const cache = await this.#cacheFile()
    const known = fresh ? undefined : await readReport(cache)
    if (known) return known
    const report = await this.#try(signal)
    // A failure may be of the moment: it is found out anew each time.
    if (report.usable) await writeReport(cache, report)
    return report
  }

  async #try(signal: AbortSignal): Promise<RuntimeReport> {
    const version = await this.#version(signal)
    const startedAt = performance.now()
    const attempt = (outcome: string) => ({
      what: 'systrap',
      outcome,
      tookMs: Math.round(performance.now() - startedAt),
    })
    try {
      await this.#bootOnce(AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]))
      return { ...this.#frame(version), usable: true, isolation: 'userspace', attempts: [attempt('booted')] }
    } catch (error) {
      if (signal.aborted) throw signal.reason
      const reason = reasonOf(error)
      return { ...this.#frame(version), usable: false, reason, attempts: [attempt(reason)] }
    }
  }

  async #bootOnce(signal: AbortSignal): Promise<void> {
    const hex = (bytes: number) => randomBytes(bytes).toString('hex')
    await mkdir(this.#options.runRoot, { recursive: true, mode: 0o711 })
    // Named like a kernel's own folder: a sweep removes what a killed process leaves of it.
    const stateDirectory = await mkdtemp(join(this.#options.runRoot, runName('probe-state-')))
    try {
      await using _ = await this.#boot(
        {
          id: `probe-${hex(8)}`,
          rootImage: '',
          memoryBytes: 256 * MiB,
          cpus: 1,
          diskBytes: 16 * MiB,
          uid: this.#options.probeUid ?? 1_999_999_999,
          isolation: 'userspace',
          identity: {
            hostname: 'probe',
            machineId: hex(16),
            accessToken: hex(32),
            channelKey: hex(16),
            env: {},
            user: 'root',
            workdir: '/',
          },
          stateDirectory,
        },
        signal
      )
    } finally {
      await rm(stateDirectory, { recursive: true, force: true })
    }
  }

  #frame(version?: string) {
    return {
      runtime: 'gvisor' as const,
      ...(version !== undefined && { version }),
      attempts: [],
      missing: this.#missing,
      checkedAt: new Date().toISOString(),
    }
  }

  /** As the build stamped it; undefined where it did not. */
  async #version(signal: AbortSignal): Promise<string | undefined> {
    const output = await runProgram({ file: this.#options.runsc, args: ['--version'] }, signal).catch(() => '')
    return /^runsc version (?!VERSION_MISSING)(\S+)/m.exec(output)?.[1]
  }

  /** Why a file of the installation cannot be used by the kernels' users; undefined when all can. */
  async #unfitFile(): Promise<string | undefined> {
    const { runsc, agent, holder } = this.#options
    for (const file of [runsc, agent, holder]) {
      const found = await access(file, constants.X_OK).then(
        () => true,
        () => false
      )
      if (!found) return `${file} is missing or cannot be executed`
    }
    if (process.getuid?.() !== 0) return undefined
    const closed = await closedTo([runsc, agent])
    return closed && `${closed} is closed to other users, and each kernel runs as one of its own`
  }

  /** What the answer depends on names the file: with another binary, agent, host kernel or user it is asked anew. */
  async #cacheFile(): Promise<string> {
    return join(this.#options.cacheDirectory, `probe-gvisor-${await fingerprint(this.#options)}.json`)
  }
}

async function readReport(path: string): Promise<RuntimeReport | undefined> {
  try {
    return RuntimeReport.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    // Missing, half-written or of another version: all the same, it is only a cache.
    return undefined
  }
}

async function writeReport(path: string, report: RuntimeReport): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}`
  await writeFile(draft, JSON.stringify(report))
  await rename(draft, path)
}
