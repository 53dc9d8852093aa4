import { lstat, readlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { failure } from '@bulkhead/wire'
import { findProgram } from './find-program.ts'

/** A file or folder of the host that the confined program sees. */
export interface Bind {
  readonly source: string
  /** Where it sees it. */
  readonly target: string
  readonly access: 'read' | 'write' | 'device'
  /** Left out when the host does not have it. */
  readonly optional?: boolean
}

export interface Confinement {
  /** The host-side helper: enters the cgroups, then becomes what follows. */
  readonly holder: string
  /** Folders of the cgroup it is started in; none where there is none. */
  readonly cgroups: readonly string[]
  /** What it runs as; undefined when this process is not root and cannot choose. Group and user have the same number. */
  readonly uid: number | undefined
  /** All it sees of the file system, besides an empty root. */
  readonly binds: readonly Bind[]
  /** Bytes, RLIMIT_FSIZE: no file it can write to grows beyond. */
  readonly maxFileBytes: number
  /** How many descriptors, from 0 up, are handed on; what this process itself was left by others is closed. */
  readonly descriptors: number
  /** A descriptor the sandbox tool tells its child's pid on, and its end, as JSON lines. Closed in the confined program. */
  readonly statusFd: number
}

/** argv, without shell. */
export interface Command {
  readonly file: string
  readonly args: readonly string[]
}

/**
 * Wraps a program in everything that stands around a VMM: its own uid, no capabilities and no way to get any, its own empty network,
 * pid, ipc, uts and mount namespaces, the listed files and nothing else, no core dumps, and the cgroup. The links of the chain are
 * `holder` → `prlimit` → `bwrap` → `setpriv` → program; each becomes the next, only bwrap stays as the parent. The seccomp filter is the
 * program's own. Fails `runtime_unavailable` when a link is not installed.
 */
export async function confinedCommand(
  confinement: Confinement,
  program: string,
  args: readonly string[]
): Promise<Command> {
  const [prlimit, bwrap, setpriv] = await Promise.all(['prlimit', 'bwrap', 'setpriv'].map(needed))
  if (!prlimit || !bwrap || !setpriv) throw new TypeError('unreachable: needed() throws')
  const root = confinement.uid !== undefined
  const binds = [
    ...(await libraryBinds()),
    ...confinement.binds,
    ...(root ? [{ source: setpriv, target: setprivInside, access: 'read' } as const] : []),
  ]
  return {
    file: confinement.holder,
    args: [
      'enter',
      ...confinement.cgroups.flatMap((folder) => ['--cgroup', folder]),
      `--descriptors=${confinement.descriptors}`,
      '--',
      prlimit,
      '--core=0',
      `--fsize=${confinement.maxFileBytes}`,
      '--nofile=1024',
      '--',
      bwrap,
      '--unshare-net',
      '--unshare-pid',
      '--unshare-ipc',
      '--unshare-uts',
      '--unshare-cgroup-try',
      // Without root only a user namespace of its own lets it have the others.
      ...(root ? [] : ['--unshare-user', '--cap-drop', 'ALL']),
      '--as-pid-1',
      '--json-status-fd',
      String(confinement.statusFd),
      '--tmpfs',
      '/',
      // Made by name: those that bwrap makes on the way to a bind, only root may enter.
      ...parentFolders(binds.map((bind) => bind.target)).flatMap((folder) => ['--dir', folder]),
      ...binds.flatMap(bindArguments),
      '--remount-ro',
      '/',
      '--chdir',
      '/',
      '--',
      ...(root
        ? [
            setprivInside,
            `--reuid=${confinement.uid}`,
            `--regid=${confinement.uid}`,
            '--clear-groups',
            '--no-new-privs',
            '--inh-caps=-all',
            '--ambient-caps=-all',
            '--bounding-set=-all',
            '--',
          ]
        : []),
      program,
      ...args,
    ],
  }
}

const setprivInside = '/setpriv'

/** The dynamic loader's places. Where they are links into /usr, they stay links. */
async function libraryBinds(): Promise<(Bind | Link)[]> {
  const places = ['/usr/lib', '/usr/lib64', '/lib', '/lib64', '/etc/ld.so.cache']
  const found = await Promise.all(
    places.map(async (path): Promise<Bind | Link | undefined> => {
      const stat = await lstat(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined
        throw error
      })
      if (!stat) return undefined
      return stat.isSymbolicLink()
        ? { link: await readlink(path), target: path }
        : { source: path, target: path, access: 'read' }
    })
  )
  return found.filter((entry) => entry !== undefined)
}

interface Link {
  readonly link: string
  readonly target: string
}

function bindArguments(bind: Bind | Link): string[] {
  if ('link' in bind) return ['--symlink', bind.link, bind.target]
  const flag = { read: '--ro-bind', write: '--bind', device: '--dev-bind' }[bind.access]
  return [bind.optional ? `${flag}-try` : flag, bind.source, bind.target]
}

/** Every folder on the way to the paths, the upper before the lower. */
function parentFolders(paths: readonly string[]): string[] {
  const folders = new Set<string>()
  for (const path of paths) for (let at = dirname(path); at !== '/'; at = dirname(at)) folders.add(at)
  return [...folders].sort()
}

async function needed(name: string): Promise<string> {
  const path = await findProgram(name)
  if (!path) throw failure('runtime_unavailable', { runtime: 'qemu', reason: `the program ${name} is not installed` })
  return path
}
