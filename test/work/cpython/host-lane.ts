import { execFile } from 'node:child_process'
import { chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { type ModuleReport, type Plan, readReports } from './module-report.ts'
import { runner } from './runner.ts'

const run = promisify(execFile)

/**
 * Runs the plan on this machine's own kernel, in the very file system that the sandboxes get, as the same user, with the same environment
 * and without a network: what differs from a sandbox is the kernel. So it does not matter which distribution the host has.
 */
export async function onHost(rootImage: string, plan: Plan, signal: AbortSignal): Promise<ModuleReport[]> {
  const base = mkdtempSync('/var/tmp/bulkhead-host-lane-')
  await using undo = new AsyncDisposableStack()
  undo.defer(() => rmSync(base, { recursive: true, force: true }))
  const folder = (name: string) => {
    mkdirSync(path.join(base, name))
    return path.join(base, name)
  }
  const [lower, upper, work, root] = [folder('lower'), folder('upper'), folder('work'), folder('root')]
  const mount = async (target: string, ...args: string[]) => {
    await run('mount', [...args, target])
    undo.defer(async () => void (await run('umount', [target])))
  }
  await mount(lower, '-t', 'erofs', '-o', 'loop,ro', rootImage)
  await mount(root, '-t', 'overlay', '-o', `lowerdir=${lower},upperdir=${upper},workdir=${work}`, 'overlay')
  const script = path.join(root, 'home/user', path.basename(runner))
  copyFileSync(runner, script)
  chownSync(script, 1000, 1000)

  const view = [
    ...[
      '--unshare-net',
      '--unshare-pid',
      '--unshare-ipc',
      '--unshare-uts',
      '--hostname',
      'sandbox',
      '--die-with-parent',
    ],
    ...['--bind', root, '/', '--dev', '/dev', '--proc', '/proc', '--perms', '1777', '--tmpfs', '/dev/shm'],
    ...['--clearenv', '--setenv', 'PATH', '/usr/local/bin:/usr/bin:/bin', '--setenv', 'HOME', '/home/user'],
    ...['--setenv', 'LANG', 'C.UTF-8', '--chdir', '/home/user'],
  ]
  const asUser = ['setpriv', '--reuid=1000', '--regid=1000', '--clear-groups']
  const command = ['python3', path.basename(runner), JSON.stringify(plan)]
  const { stdout } = await run('bwrap', [...view, '--', ...asUser, ...command], { signal, maxBuffer: 64 << 20 })
  return readReports(stdout)
}
