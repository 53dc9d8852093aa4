import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { sourceDirectory } from '../src/source-directory.ts'

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: string
}

export interface Started {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  /** Resolves when the text has come out of either stream; fails when it ended without. */
  said(text: string): Promise<void>
  readonly ended: Promise<Ended>
}

/** The real command line, as a process of its own, on a state folder of its own. */
export class CommandLine {
  readonly state: string
  readonly #env: Record<string, string>

  constructor(state: string, env: Record<string, string> = {}) {
    this.state = state
    this.#env = env
  }

  /** Its argv, for what starts it in another way: in a terminal, under another parent. */
  argv(...args: string[]): [string, ...string[]] {
    return [process.execPath, join(sourceDirectory, 'packages/cli/src/main.ts'), ...args]
  }

  get env(): NodeJS.ProcessEnv {
    return { ...process.env, BULKHEAD_STATE_DIR: this.state, ...this.#env }
  }

  start(args: readonly string[], options: { cwd?: string; stdin?: 'pipe' | 'ignore' } = {}): Started {
    const [program, ...argv] = this.argv(...args)
    const child = spawn(program, argv, {
      cwd: options.cwd ?? '/',
      env: this.env,
      stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
    }) as ChildProcessByStdio<Writable, Readable, Readable>
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    const all = () => Buffer.concat([...stdout, ...stderr]).toString()
    const ended = once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: Buffer.concat(stdout),
      stderr: Buffer.concat(stderr).toString(),
    }))
    const said = (text: string) =>
      new Promise<void>((resolve, reject) => {
        const look = () => void (all().includes(text) && resolve())
        child.stdout.on('data', look)
        child.stderr.on('data', look)
        look()
        ended.then(() => reject(new Error(`ended without saying ${JSON.stringify(text)}:\n${all()}`)))
      })
    return { child, said, ended }
  }

  /** To its end. `input` goes to stdin; without it stdin is /dev/null. */
  async run(args: readonly string[], options: { cwd?: string; input?: Buffer | string } = {}): Promise<Ended> {
    const { child, ended } = this.start(args, { ...options, stdin: options.input === undefined ? 'ignore' : 'pipe' })
    if (options.input !== undefined) {
      child.stdin.on('error', () => {}) // it need not read all
      child.stdin.end(options.input)
    }
    return ended
  }

  /** The parsed `--json` output of a command that succeeds. */
  async json<T>(args: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await this.run([...args, '--json'])
    if (code !== 0) throw new Error(`${args.join(' ')}: exit code ${code}\n${stderr}`)
    return JSON.parse(stdout.toString()) as T
  }
}
