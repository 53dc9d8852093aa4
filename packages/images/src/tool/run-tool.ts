import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { failure } from '@bulkhead/wire'
import { type HostTool, hostTools } from './host-tool.ts'
import { lastWords, Tail } from './tail.ts'

export interface ToolOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  /** Every line of stdout and stderr, without its end. Lines may be of any length up to what the program writes at once. */
  readonly onLine?: (line: string) => void
  /** Kept of stdout; more is an error. Default 0: thrown away. */
  readonly stdoutBytes?: number
  /** RLIMIT_FSIZE: no file of the tool grows beyond. */
  readonly fileBytes?: number
}

export interface ToolEnd {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  /** First and last of stderr (and of stdout when that is thrown away). */
  readonly said: string
}

/**
 * Runs a program of the host, as root with everything it starts in a PID namespace of its own: an abort, and the death of this very
 * process, ends all of it. Resolves with how it ended, whatever that was; rejects with the signal's reason after an abort, once nothing of
 * it is left. Fails `requirement_missing`.
 */
export async function runTool(tool: HostTool, args: readonly string[], options: ToolOptions): Promise<ToolEnd> {
  options.signal.throwIfAborted()
  const [program, ...argv] = [
    'setpriv',
    '--pdeathsig',
    'KILL',
    ...(options.fileBytes === undefined ? [] : ['prlimit', `--fsize=${options.fileBytes}`]),
    ...(isRoot() ? ['unshare', '--pid', '--mount-proc', '--kill-child', '--fork'] : []),
    tool,
    ...args,
  ] as [string, ...string[]]
  const child = spawn(program, argv, {
    cwd: options.cwd ?? '/',
    env: { ...(options.env ?? process.env), LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Its own session: Ctrl-C at the terminal is ours to handle, not the tool's.
    detached: true,
  })
  const abort = () => killGroup(child)
  options.signal.addEventListener('abort', abort, { once: true })

  const said = new Tail()
  const stdout: Buffer[] = []
  const limit = options.stdoutBytes ?? 0
  let kept = 0
  let overflow = false
  child.stdout.on('data', (chunk: Buffer) => {
    if (limit === 0) return said.push(chunk.toString())
    kept += chunk.length
    if (kept <= limit) stdout.push(chunk)
    else if (!overflow) {
      overflow = true
      abort()
    }
  })
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()))
  if (options.onLine) {
    for (const input of limit === 0 ? [child.stdout, child.stderr] : [child.stderr])
      createInterface({ input }).on('line', options.onLine)
  }
  try {
    const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, name) => resolve([code, name]))
    })
    options.signal.throwIfAborted()
    if (overflow) throw failure('host_tool_failed', { tool, detail: `it wrote more than ${limit} bytes` })
    const end = { exitCode, signal, stdout: Buffer.concat(stdout), said: said.toString() }
    if (exitCode === 127 && isMissing(end.said, tool)) throw missingTool(tool)
    return end
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw missingTool('setpriv', error)
    throw error
  } finally {
    options.signal.removeEventListener('abort', abort)
  }
}

/**
 * The whole group, and not its first process alone: that one may have forked and not yet tied the child's life to its own. A fork in mid-way
 * cannot escape a signal to the group.
 */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return // it never started
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** As {@link runTool}, for a tool whose failure has no meaning of its own: fails `disk_full` or `host_tool_failed`. */
export async function runToolOrFail(tool: HostTool, args: readonly string[], options: ToolOptions): Promise<ToolEnd> {
  const end = await runTool(tool, args, options)
  if (end.exitCode === 0) return end
  throw toolFailure(tool, end, options.cwd ?? '/')
}

/** `directory`: where it wrote, named when the disk is full. */
export function toolFailure(tool: HostTool, end: ToolEnd, directory: string) {
  if (saysDiskFull(end.said)) return failure('disk_full', { directory }, { cause: end.said })
  const how = end.exitCode === null ? `ended by ${end.signal}` : `exit code ${end.exitCode}`
  return failure('host_tool_failed', { tool, detail: `${how}: ${lastWords(end.said)}` }, { cause: end.said })
}

export const saysDiskFull = (said: string): boolean => /no space left on device|disk quota exceeded/i.test(said)

const isRoot = (): boolean => process.getuid?.() === 0

/** Fails `root_needed`. `what`: begins the sentence. */
export function needRoot(what: string): void {
  if (!isRoot()) throw failure('root_needed', { what })
}

export const missingTool = (tool: HostTool, cause?: unknown) =>
  failure('requirement_missing', { program: tool, package: hostTools[tool], why: 'images are made with it' }, { cause })

/** `unshare` and `prlimit` say `failed to execute TOOL: No such file or directory` and exit with 127. */
const isMissing = (said: string, tool: string): boolean => said.includes(`failed to execute ${tool}:`)
