import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { readdir, readFile, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGvisorRuntime, createQemuRuntime } from '@bulkhead/kernel'
import { failure, type RuntimeName } from '@bulkhead/wire'
import type { EngineConfig, Logger } from '../src/index.ts'

/** The file that BULKHEAD_TEST_INSTALLATION names: where the programs and images are that kernels are made of. */
interface Installation {
  readonly qemu: string
  readonly qemuImg: string
  readonly runsc: string
  readonly agent: string
  readonly holder: string
  readonly kernelImage: string
  readonly initrd: string
  readonly rootImage: string
}

function readInstallation(): Installation {
  const path = process.env.BULKHEAD_TEST_INSTALLATION
  if (!path)
    throw new Error('set BULKHEAD_TEST_INSTALLATION to the JSON file that names the installed programs and images')
  return JSON.parse(readFileSync(path, 'utf8')) as Installation
}

/** Where one engine of a test has its things. Plain data, so that a server in another process can be given it. */
export interface TestPlaces {
  readonly name: string
  readonly stateDirectory: string
  readonly runRoot: string
  readonly cgroupRoot: string
  readonly cacheDirectory: string
  readonly uidBase: number
}

/** Places no other test has, and nobody else. */
export function makePlaces(parent: string = tmpdir()): TestPlaces {
  const name = `bht-${randomBytes(4).toString('hex')}`
  const folder = mkdtempSync(join(parent, 'bulkhead-engine-'))
  chmodSync(folder, 0o711) // kernels have uids of their own and folders below it
  const places = {
    name,
    stateDirectory: join(folder, 'state'),
    runRoot: `/run/${name}`,
    cgroupRoot: name,
    cacheDirectory: join(tmpdir(), 'bulkhead-test-cache'),
    uidBase: 10_000_000 + (randomBytes(2).readUInt16BE() << 12),
  }
  for (const path of [places.runRoot, places.stateDirectory]) mkdirSync(path, { mode: 0o711, recursive: true })
  mkdirSync(places.cacheDirectory, { recursive: true, mode: 0o711 })
  return places
}

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
/** With BULKHEAD_TEST_LOG=1 the engine's log goes to stderr. */
const loud = (facts: object, message: string) =>
  process.stderr.write(
    `${message} ${JSON.stringify(facts, (_, value) => (value instanceof Error ? String(value.stack) : value))}\n`
  )

/** The engine as the command line wires it, with one image, `default`, and without a pool. */
export function engineConfig(places: TestPlaces, changes: Partial<EngineConfig> = {}): EngineConfig {
  const installation = readInstallation()
  const { stateDirectory, runRoot, cgroupRoot, cacheDirectory, uidBase } = places
  const image = {
    digest: `sha256:${'0'.repeat(64)}`,
    path: installation.rootImage,
    config: { env: {}, user: 'user', workdir: '/home/user' },
  }
  const where = { runRoot, cgroupRoot, cacheDirectory, holder: installation.holder }
  return {
    stateDirectory,
    runRoot,
    uidBase,
    runtimes: [
      { name: 'gvisor', load: async () => createGvisorRuntime({ ...installation, ...where }) },
      { name: 'qemu', load: () => createQemuRuntime({ ...installation, ...where }) },
    ],
    images: {
      resolve: async (name) => {
        if (name !== 'default') throw failure('image_not_found', { name })
        return image
      },
      list: async () => [],
      pull: async () => Promise.reject(new Error('this test has no registry')),
      remove: async (name) => ({ digest: image.digest, names: [name], sizeBytes: 0, createdAt: '' }),
      prune: async () => [],
    },
    log: process.env.BULKHEAD_TEST_LOG ? { debug: loud, info: loud, warn: loud, error: loud } : silent,
    pool: { size: 0 },
    ...changes,
  }
}

/** Version 2 has its one tree at the root, version 1 one below it for each controller. */
const cgroupTrees = async () => ['', ...(await folders('/sys/fs/cgroup'))].map((tree) => join('/sys/fs/cgroup', tree))

/** What is on the host because of these places' sandboxes. Templates are not of a sandbox and stay. */
export async function leftovers(places: TestPlaces): Promise<string[]> {
  const { runRoot, cgroupRoot, stateDirectory } = places
  const found: string[] = []
  for (const folder of [runRoot, join(stateDirectory, 'sandboxes')]) {
    for (const name of await entries(folder)) found.push(`folder ${join(folder, name)}`)
  }
  for (const tree of await cgroupTrees()) {
    for (const name of await folders(join(tree, cgroupRoot))) found.push(`cgroup ${join(tree, cgroupRoot, name)}`)
  }
  for (const { pid, command } of await processesOf(places)) {
    found.push(`process ${pid} ${command}`)
  }
  for (const line of (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')) {
    if (line.includes(runRoot) || line.includes(stateDirectory)) found.push(`mount ${line}`)
  }
  return found
}

/** Processes whose command line or cgroup names one of these places; not this one. */
export async function processesOf(places: TestPlaces): Promise<{ pid: number; command: string }[]> {
  const marks = [places.runRoot, places.stateDirectory, `/${places.cgroupRoot}/`]
  const found: { pid: number; command: string }[] = []
  for (const name of await entries('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue
    const [command, cgroup] = await Promise.all(
      ['cmdline', 'cgroup'].map((file) => readFile(join('/proc', name, file), 'utf8').catch(() => ''))
    )
    const text = `${command?.replaceAll('\0', ' ')}\n${cgroup}`
    if (marks.some((mark) => text.includes(mark))) found.push({ pid: Number(name), command: text })
  }
  return found
}

/** Removes what a test made: kernels first, by the runtimes' own sweep. */
export async function removePlaces(places: TestPlaces): Promise<void> {
  for (const source of engineConfig(places).runtimes) await (await source.load()).sweep(new Set())
  for (const tree of await cgroupTrees()) {
    await rmdir(join(tree, places.cgroupRoot)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }
  rmSync(places.runRoot, { recursive: true, force: true })
  rmSync(join(places.stateDirectory, '..'), { recursive: true, force: true })
}

/** How a runtime is asked for in tests: what this machine can always do. */
export const requests: Readonly<
  Record<
    RuntimeName,
    { runtime: RuntimeName; isolation: 'userspace' | 'emulated'; memoryBytes: number; diskBytes: number }
  >
> = {
  gvisor: { runtime: 'gvisor', isolation: 'userspace', memoryBytes: 256 * 1024 ** 2, diskBytes: 256 * 1024 ** 2 },
  qemu: { runtime: 'qemu', isolation: 'emulated', memoryBytes: 256 * 1024 ** 2, diskBytes: 256 * 1024 ** 2 },
}

const absent = (error: NodeJS.ErrnoException): [] => {
  if (error.code === 'ENOENT') return []
  throw error
}
const entries = (folder: string): Promise<string[]> => readdir(folder).catch(absent)
const folders = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { withFileTypes: true }).catch(absent))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
