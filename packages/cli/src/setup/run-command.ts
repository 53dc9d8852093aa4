import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { failure } from '@bulkhead/wire/errors'

export interface CommandOptions {
  readonly signal: AbortSignal
  readonly cwd?: string
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Each line of stdout and stderr as it comes; for showing how far it is. */
  readonly onLine?: (line: string) => void
  /** A third stream of progress reports, as descriptor 3 (`APT::Status-Fd`). */
  readonly onStatus?: (line: string) => void
  /** Keeps the terminal, so that `sudo` can ask for a password. Ctrl-C then reaches the program directly. */
  readonly terminal?: boolean
}

/** Lines of output kept for the error message. */
const keptLines = 20
/** An orderly end is given this long before SIGKILL. */
const graceMs = 5_000

/**
 * Runs a program to its end. Fails `setup_command_failed` with the last lines of its output. On abort the whole process group is ended before
 * the promise rejects: nothing is left running.
 */
export async function runCommand(argv: readonly [string, ...string[]], options: CommandOptions): Promise<void> {
  options.signal.throwIfAborted()
  const [program, ...args] = argv
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: [options.terminal ? 'inherit' : 'ignore', 'pipe', 'pipe', options.onStatus ? 'pipe' : 'ignore'],
    // A group of its own, so that the terminal's Ctrl-C does not cut it off mid-write but reaches it through the abort, with time to finish.
    detached: !options.terminal,
  })
  const tail: string[] = []
  const read = (stream: NodeJS.ReadableStream | null | undefined, take: (line: string) => void) => {
    if (stream) createInterface({ input: stream }).on('line', take)
  }
  const takeLine = (line: string) => {
    tail.push(line.slice(0, 500))
    if (tail.length > keptLines) tail.shift()
    options.onLine?.(line)
  }
  read(child.stdout, takeLine)
  read(child.stderr, takeLine)
  if (options.onStatus) read(child.stdio[3] as NodeJS.ReadableStream, options.onStatus)

  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(options.terminal ? child.pid : -child.pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  let kill: NodeJS.Timeout | undefined
  const onAbort = () => {
    signalGroup('SIGTERM')
    kill = setTimeout(() => signalGroup('SIGKILL'), graceMs)
  }
  options.signal.addEventListener('abort', onAbort, { once: true })
  try {
    const ended = await new Promise<string | undefined>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) =>
        resolve(code === 0 ? undefined : signal ? `by ${signal}` : `with exit code ${code}`)
      )
    }).catch((error: Error) => error.message)
    options.signal.throwIfAborted()
    if (ended !== undefined) {
      throw failure('setup_command_failed', { command: argv.join(' '), ended, output: tail.join('\n') })
    }
  } finally {
    clearTimeout(kill)
    options.signal.removeEventListener('abort', onAbort)
  }
}

/** The standard output of a short command that asks for a version or the like; undefined when it fails or is not there. */
export async function askProgram(
  program: string,
  args: readonly string[],
  signal: AbortSignal
): Promise<string | undefined> {
  const lines: string[] = []
  try {
    await runCommand([program, ...args], { signal, onLine: (line) => lines.push(line) })
    return lines.join('\n')
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}
