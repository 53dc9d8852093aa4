import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { runToolOrFail } from '../tool/run-tool.ts'

/** What a guest needs before it has a root file system. `optional`: a kernel without it boots too. */
const wanted: readonly { readonly name: string; readonly optional?: true }[] = [
  { name: 'virtio_pci' },
  { name: 'virtio_console' },
  { name: 'virtio_blk' },
  { name: 'virtio_rng' },
  { name: 'erofs' },
  { name: 'ext4' },
  { name: 'overlay' },
  // Tells the VMM that the kernel has panicked.
  { name: 'pvpanic_pci', optional: true },
]

export interface KernelModule {
  /** `virtio_pci.ko`; unique within a kernel. */
  readonly file: string
  readonly content: Buffer
}

/**
 * The wanted modules and what they stand on, decompressed, each after those it depends on. Dependencies are read from the modules
 * themselves (`depends=`): the package brings no modules.dep, which depmod would make at installation. `root`: an unpacked package.
 */
export async function readKernelModules(root: string, release: string, signal: AbortSignal): Promise<KernelModule[]> {
  const folder = join(root, 'lib/modules', release)
  const files = new Map<string, string>()
  for (const path of await readdir(join(folder, 'kernel'), { recursive: true })) {
    if (/\.ko(\.xz)?$/.test(path)) files.set(moduleName(path), join(folder, 'kernel', path))
  }
  const builtIn = new Set((await readFile(join(folder, 'modules.builtin'), 'utf8')).split('\n').map(moduleName))

  const loaded = new Map<string, KernelModule>()
  const visiting = new Set<string>()
  const load = async (name: string, optional: boolean): Promise<void> => {
    if (builtIn.has(name) || loaded.has(name) || visiting.has(name)) return
    const path = files.get(name)
    if (!path) {
      if (optional) return
      throw new Error(`the guest kernel ${release} has no module ${name}`)
    }
    visiting.add(name)
    const content = path.endsWith('.xz') ? await unxz(path, signal) : await readFile(path)
    const { depends, before } = dependencies(content)
    for (const other of depends) await load(other, false)
    // What the module merely likes to have loaded first may be a feature's name (`crc32c`) rather than a module's.
    for (const other of before) await load(other, true)
    loaded.set(name, { file: `${name}.ko`, content })
  }
  for (const { name, optional } of wanted) await load(name, optional ?? false)
  return [...loaded.values()]
}

/** `-` and `_` are the same in a module's name: virtio-rng.ko is `virtio_rng`. */
const moduleName = (path: string): string =>
  basename(path)
    .replace(/\.ko(\.xz)?$/, '')
    .replaceAll('-', '_')

/** From the module's `.modinfo`: `key=value` strings, each ended by NUL (include/linux/moduleparam.h). */
export function dependencies(module: Buffer): { depends: string[]; before: string[] } {
  const names = (list: string) =>
    list
      .split(/[,\s]+/)
      .filter(Boolean)
      .map(moduleName)
  return {
    depends: modinfo(module, 'depends').flatMap(names),
    before: modinfo(module, 'softdep').flatMap((text) => names(/pre:\s*([^:]*?)(\s+post:|$)/.exec(text)?.[1] ?? '')),
  }
}

function modinfo(module: Buffer, key: string): string[] {
  const values: string[] = []
  const start = Buffer.from(`\0${key}=`)
  for (let at = module.indexOf(start); at >= 0; at = module.indexOf(start, at + 1)) {
    values.push(module.toString('latin1', at + start.length, module.indexOf(0, at + start.length)))
  }
  return values
}

async function unxz(path: string, signal: AbortSignal): Promise<Buffer> {
  const args = ['--decompress', '--stdout', '--', path]
  return (await runToolOrFail('xz', args, { signal, stdoutBytes: 64 * 1024 * 1024 })).stdout
}
