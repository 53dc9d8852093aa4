import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type FSWatcher, watch } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Command } from '../confine/confined-command.ts'
import { HolderControl } from './holder-control.ts'
import { readTail } from './read-tail.ts'
import type { RunFolder } from './run-folder.ts'

/**
 * The number of the descriptor that is handed on, high on purpose: a process that inherits it has a descriptor table of more than 256
 * entries. The sentry moves its own to 253 to 255; having to grow the table for that costs it a grace period of the host's kernel, 10 ms.
 */
export const inheritedFd = 256

/**
 * Starts a holder that outlives this process and returns once it has started its program. `fd` becomes {@link inheritedFd} in the program.
 * Rejects with what the holder said when it does not come up; nothing of it runs then.
 */
export async function spawnHolder(
  command: Command,
  folder: RunFolder,
  fd: number,
  signal: AbortSignal
): Promise<HolderControl> {
  signal.throwIfAborted()
  const output = await open(folder.holderLog, 'wx', 0o600)
  // Before the start, so that no event is missed.
  const watcher = watch(folder.path)
  try {
    const child = spawn(command.file, command.args, {
      // A session of its own: no terminal's Ctrl-C reaches it.
      detached: true,
      cwd: '/',
      env: {},
      stdio: ['ignore', output.fd, output.fd, ...Array<'ignore'>(inheritedFd - 3).fill('ignore'), fd],
    })
    child.unref()
    const failed = failureOf(child, folder)
    try {
      return await Promise.race([failed, firstConnection(folder, watcher, signal)])
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
  } finally {
    watcher.close()
    await output.close()
  }
}

/** Rejects when the holder cannot be started, or ends. */
async function failureOf(child: ChildProcess, folder: RunFolder): Promise<never> {
  // 'error' (no such program) makes `once` reject.
  const [code, signal] = await once(child, 'exit')
  const said = await readTail(folder.holderLog, 2000)
  throw new Error(`the holder ended (${signal ?? `status ${code}`})${said === '' ? '' : `: ${said}`}`)
}

/** The holder tells that it listens by its socket appearing in the folder. */
async function firstConnection(folder: RunFolder, watcher: FSWatcher, signal: AbortSignal): Promise<HolderControl> {
  for (;;) {
    const changed = once(watcher, 'change', { signal })
    // When the connection succeeds nobody waits for this one any more.
    changed.catch(() => {})
    try {
      return await HolderControl.connect(folder.controlSocket, signal)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') await changed
      // Bound, and not listening yet: the next system call of the holder.
      else if (code === 'ECONNREFUSED') await new Promise(setImmediate)
      else throw error
    }
  }
}
