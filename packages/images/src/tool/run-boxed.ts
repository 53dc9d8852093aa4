import { existsSync, lstatSync, readlinkSync } from 'node:fs'
import type { HostTool } from './host-tool.ts'
import { missingTool, runTool, type ToolEnd, type ToolOptions } from './run-tool.ts'

/** Where the work folder appears inside the box. Short, so that no path below it is longer outside than the tools can name. */
export const boxRoot = '/work'

/** What unpacking and packing as root need, and no more: no CAP_SYS_ADMIN, no CAP_SYS_PTRACE, no CAP_NET_*. */
const capabilities = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_MKNOD',
  'CAP_SETFCAP',
]

/**
 * Runs a tool on foreign data. It sees the host's programs read-only and one folder, `directory`, writable at {@link boxRoot}; nothing
 * else of the file system, no network, no other process. Whatever an archive makes it do, it cannot reach out of that folder.
 */
export async function runBoxed(
  directory: string,
  tool: HostTool,
  args: readonly string[],
  options: Omit<ToolOptions, 'cwd' | 'env'> & { readonly boxEnv?: Readonly<Record<string, string>> }
): Promise<ToolEnd> {
  const box = [
    // Not the user namespace: the image's owners are to be the host's numbers.
    ...['--unshare-net', '--unshare-ipc', '--unshare-pid', '--unshare-uts', '--unshare-cgroup-try'],
    '--die-with-parent',
    ...['--ro-bind', '/usr', '/usr'],
    ...['/bin', '/sbin', '/lib', '/lib32', '/lib64'].flatMap(hostProgramFolder),
    ...(existsSync('/etc/ld.so.cache') ? ['--ro-bind', '/etc/ld.so.cache', '/etc/ld.so.cache'] : []),
    ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp'],
    ...['--bind', directory, boxRoot, '--chdir', boxRoot],
    ...['--cap-drop', 'ALL', ...capabilities.flatMap((name) => ['--cap-add', name])],
    ...['--clearenv', '--setenv', 'PATH', '/usr/sbin:/usr/bin:/sbin:/bin', '--setenv', 'HOME', '/tmp'],
  ]
  const env = Object.entries(options.boxEnv ?? {}).flatMap(([name, value]) => ['--setenv', name, value])
  const end = await runTool('bwrap', [...box, ...env, '--', tool, ...args], options)
  if (end.exitCode === 1 && end.said.includes(`execvp ${tool}:`)) throw missingTool(tool)
  return end
}

/** `/bin` is a link into /usr on a merged system and a folder on others. */
function hostProgramFolder(path: string): string[] {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (!stat) return []
  return stat.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path]
}
