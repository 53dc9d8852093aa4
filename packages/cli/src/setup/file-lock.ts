import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { failure } from '@bulkhead/wire/errors'

/**
 * An exclusive lock on a file, held until disposed or until this process dies, however it dies. Waits while another process holds it; `onWait`
 * is told once when that is so.
 *
 * Node has no flock(2), so util-linux's `flock FILE cat` holds it: a byte written to it comes back once the lock is taken, and the end of its stdin,
 * which our death brings about, ends it.
 */
export async function lockFile(path: string, signal: AbortSignal, onWait?: () => void): Promise<AsyncDisposable> {
  const child = spawn('flock', ['--exclusive', path, 'cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true, // out of the terminal's reach: Ctrl-C must not let go of the lock while we still clean up
  })
  const giveUp = () => void child.kill('SIGKILL')
  signal.addEventListener('abort', giveUp, { once: true })
  const ended = new Promise<Error | undefined>((resolve) => {
    child.once('error', (error) => resolve(error))
    child.once('exit', () => resolve(undefined))
  })
  child.stdin.on('error', () => {}) // it ended first: `ended` says so
  child.stdin.write('\n')
  const hint = onWait && setTimeout(onWait, 300)
  try {
    const outcome = await Promise.race([once(child.stdout, 'data').then(() => 'locked' as const), ended])
    if (signal.aborted) {
      child.kill('SIGKILL')
      signal.throwIfAborted()
    }
    if (outcome !== 'locked') {
      throw failure(
        'state_unusable',
        { path, reason: outcome?.message ?? 'flock ended without the lock' },
        { cause: outcome }
      )
    }
  } finally {
    clearTimeout(hint)
    signal.removeEventListener('abort', giveUp) // once taken, the lock outlives an abort: the clean-up still needs it
  }
  return { [Symbol.asyncDispose]: () => release(child, ended) }
}

async function release(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.stdin?.end()
  await ended
}
