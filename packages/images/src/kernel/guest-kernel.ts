import { createHash } from 'node:crypto'
import { createReadStream, existsSync, renameSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { failure } from '@bulkhead/wire'
import { z } from 'zod'
import type { Progress } from '../contract.ts'
import { mmdebstrap } from '../debian/mmdebstrap.ts'
import type { ImageStore } from '../image-store.ts'
import { renameDurably, syncFile, writeFileDurably } from '../store/durable-file.ts'
import { exclusively } from '../store/exclusively.ts'
import { isFilled } from '../store/is-filled.ts'
import { WorkFolder } from '../store/work-folder.ts'
import { runTool, runToolOrFail, saysDiskFull } from '../tool/run-tool.ts'
import { lastWords } from '../tool/tail.ts'
import { readKernelModules } from './kernel-modules.ts'

/** Debian's kernel for virtual machines, by Debian's names of architectures. Only amd64 has been tried. */
const packages = { amd64: 'linux-image-cloud-amd64', arm64: 'linux-image-cloud-arm64' } as const
export type KernelArchitecture = keyof typeof packages

export interface GuestKernel {
  /** The boot image: absolute path. */
  readonly image: string
  /** `6.1.0-56-cloud-amd64`. */
  readonly release: string
  /** Absolute paths of decompressed modules, in the order in which they are to be loaded. */
  readonly modules: readonly string[]
}

const Description = z.object({ release: z.string(), modules: z.array(z.string().regex(/^[a-z0-9_]+\.ko$/)) })
const Pointer = z.object({ kernel: z.string().regex(/^sha256-[0-9a-f]{64}$/) })

/**
 * The guest kernel in the store, or Debian's newest for `suite`, downloaded and unpacked, never installed. `update`: looks for a newer
 * one although there is one. Fails `packages_unavailable`, `disk_full`, `requirement_missing`, `root_needed`.
 */
export async function guestKernel(
  store: ImageStore,
  options: { readonly arch: KernelArchitecture; readonly update?: boolean },
  progress: Progress,
  signal: AbortSignal
): Promise<GuestKernel> {
  await store.make()
  const pointer = join(store.layout.kernels, `${options.arch}.json`)
  if (!options.update && existsSync(pointer)) {
    const present = await readGuestKernel(store, pointer)
    if (present) return present
  }

  await using work = await WorkFolder.make(store.layout.work)
  const archive = await download(work, options.arch, progress, signal)
  const name = `sha256-${await hashFile(archive, signal)}`
  const folder = join(store.layout.kernels, name)
  const whole = (await readFolder(folder)) !== undefined
  if (!whole) await unpack(work, archive, progress, signal)
  exclusively(store.layout.lock, () => {
    if (!whole) {
      // An incomplete one makes way; it goes with the work folder. What another process has put there meanwhile is the same.
      if (existsSync(folder)) renameSync(folder, work.join('incomplete'))
      renameDurably(work.join('whole'), folder)
    }
    writeFileDurably(pointer, JSON.stringify({ kernel: name }))
  })
  const made = await readFolder(folder)
  if (!made) throw failure('packages_unavailable', { what: 'the guest kernel', detail: `${folder} was taken away` })
  return made
}

async function readGuestKernel(store: ImageStore, pointer: string): Promise<GuestKernel | undefined> {
  const { kernel } = Pointer.parse(JSON.parse(await readFile(pointer, 'utf8')))
  return readFolder(join(store.layout.kernels, kernel))
}

/** Undefined when one of its files is gone or empty: then it is downloaded again. */
async function readFolder(folder: string): Promise<GuestKernel | undefined> {
  const description = join(folder, 'kernel.json')
  if (!isFilled(description)) return undefined
  const { release, modules } = Description.parse(JSON.parse(await readFile(description, 'utf8')))
  const found = {
    image: join(folder, 'vmlinuz'),
    release,
    modules: modules.map((file) => join(folder, 'modules', file)),
  }
  return [found.image, ...found.modules].every(isFilled) ? found : undefined
}

/** The path of the kernel's `.deb`. `linux-image-cloud-*` is an empty package that depends on the one of the day. */
async function download(
  work: WorkFolder,
  arch: KernelArchitecture,
  progress: Progress,
  signal: AbortSignal
): Promise<string> {
  progress({ step: 'reading package lists', fraction: 0 })
  const what = 'the guest kernel'
  // A tree with nothing in it but apt's sources and lists: apt's view of Debian, whatever this host is.
  const args = ['--variant=custom', `--architectures=${arch}`, '--skip=cleanup,check/empty']
  const root = await mmdebstrap(work, 'apt', { what, args }, signal)
  const get = async (name: string): Promise<string> => {
    const folder = work.join(name)
    await mkdir(folder)
    const settings = [
      `Dir=${root}`,
      `Dir::State::status=${join(root, 'var/lib/dpkg/status')}`,
      'APT::Sandbox::User=root',
    ]
    const architecture = [`APT::Architecture=${arch}`, `APT::Architectures=${arch}`]
    const apt = [...[...settings, ...architecture].flatMap((setting) => ['-o', setting]), 'download', '--', name]
    const end = await runTool('apt-get', apt, { signal, cwd: folder })
    if (saysDiskFull(end.said)) throw failure('disk_full', { directory: folder }, { cause: end.said })
    const [file] = await readdir(folder)
    if (end.exitCode !== 0 || !file) {
      throw failure('packages_unavailable', { what, detail: lastWords(end.said) }, { cause: end.said })
    }
    return join(folder, file)
  }
  const meta = await get(packages[arch])
  const depends = await runToolOrFail('dpkg-deb', ['--field', meta, 'Depends'], { signal, stdoutBytes: 65536 })
  const name = /^linux-image-[a-z0-9.+-]+/.exec(depends.stdout.toString())?.[0]
  if (!name) throw failure('packages_unavailable', { what, detail: `${packages[arch]} names no kernel` })
  progress({ step: `downloading ${name}`, fraction: 0.2 })
  return get(name)
}

/** Leaves boot image, modules and description in `work/whole`, all on the disk. */
async function unpack(work: WorkFolder, archive: string, progress: Progress, signal: AbortSignal): Promise<void> {
  progress({ step: 'unpacking the guest kernel', fraction: 0.8 })
  const root = work.join('kernel')
  await runToolOrFail('dpkg-deb', ['--extract', archive, root], { signal, cwd: work.path })
  const image = (await readdir(join(root, 'boot'))).find((file) => file.startsWith('vmlinuz-'))
  if (!image) throw failure('packages_unavailable', { what: 'the guest kernel', detail: 'the package holds no kernel' })
  const release = image.slice('vmlinuz-'.length)
  const modules = await readKernelModules(root, release, signal)

  const whole = work.join('whole')
  await mkdir(join(whole, 'modules'), { recursive: true, mode: 0o755 })
  await copyFile(join(root, 'boot', image), join(whole, 'vmlinuz'))
  await syncFile(join(whole, 'vmlinuz'))
  for (const { file, content } of modules) {
    await writeFile(join(whole, 'modules', file), content, { mode: 0o644, flush: true })
  }
  const description: z.infer<typeof Description> = { release, modules: modules.map(({ file }) => file) }
  await writeFile(join(whole, 'kernel.json'), JSON.stringify(description), { mode: 0o644, flush: true })
}

async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash, { signal })
  return hash.digest('hex')
}
