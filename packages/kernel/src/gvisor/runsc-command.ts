import type { Command } from '../confine/confined-command.ts'
import type { RunFolder } from './run-folder.ts'

export interface RunscOptions {
  readonly runsc: string
  /** The host-side helper. */
  readonly holder: string
  readonly folder: RunFolder
  /** Where the writable layer's file is; of the kernel's own. */
  readonly stateDirectory: string
  /** What it runs as; undefined when this process is not root and cannot choose. Group and user have the same number. */
  readonly uid: number | undefined
  /** Bytes, RLIMIT_FSIZE: no file it can write to grows beyond. */
  readonly maxFileBytes: number
}

/** The same for every command about one kernel: runsc compares some of them. Source: runsc/config/flags.go. */
export const runscFlags = ({ folder, stateDirectory }: Pick<RunscOptions, 'folder' | 'stateDirectory'>): string[] => [
  `--root=${folder.runscRoot}`,
  '--platform=systrap',
  '--network=none',
  // The file server's namespace would else be shared and pinned by a mount, which would have to be cleared away.
  '--gofer-network-namespace=new',
  // The sentry opens no host file by itself; its system call filter knows no open(2).
  '--directfs=false',
  '--host-uds=none',
  '--host-fifo=none',
  // For images whose root is not an EROFS image; else the annotation says the same.
  `--overlay2=root:dir=${stateDirectory}`,
  // Ours are around all of it, made and entered before runsc starts.
  '--ignore-cgroups',
  // No advice about the host's settings: it costs time and nobody reads it.
  '--host-settings=ignore',
  // sudo is for the guest's users what it is anywhere: it ends at the sentry.
  '--allow-suid',
  `--panic-log=${folder.panicLog}`,
]

/**
 * runsc as the kernel's own user, in the kernel's cgroup: without capabilities and any way to get some. runsc then makes the sentry and its
 * file server in user namespaces where only this one uid exists, in empty network, mount, pid and ipc namespaces, each with a system call
 * filter. `flags`: runsc's own besides {@link runscFlags}; `args`: its command with all that belongs to it.
 */
export function runscCommand(
  options: RunscOptions,
  cgroups: readonly string[],
  flags: readonly string[],
  args: readonly string[]
): Command {
  const { runsc, holder, maxFileBytes, uid } = options
  return {
    file: holder,
    args: [
      'enter',
      ...cgroups.flatMap((folder) => ['--cgroup', folder]),
      ...(uid === undefined ? [] : ['--user', String(uid)]),
      '--max-file-bytes',
      String(maxFileBytes),
      '--',
      runsc,
      ...runscFlags(options),
      ...flags,
      ...args,
    ],
  }
}

/**
 * The holder around it, which keeps the stream open while servers come and go. It becomes the kernel's user, too, once that has begun: what
 * it relays is hostile. It stays outside of the kernel's cgroup, to tell how the kernel ended when the host ends all that is in there.
 */
export function heldCommand(
  { holder, folder, uid }: Pick<RunscOptions, 'holder' | 'folder' | 'uid'>,
  inner: Command
): Command {
  const places = ['--listen', folder.channelSocket, '--control', folder.controlSocket, '--log', folder.log]
  const user = uid === undefined ? [] : ['--user', String(uid)]
  return { file: holder, args: ['hold', ...places, ...user, '--', inner.file, ...inner.args] }
}
