import { spawn } from 'node:child_process'
import { createWriteStream, mkdirSync } from 'node:fs'
import path from 'node:path'

/** What one step of the test run came to. `failures` names what failed, for the summary at the end. */
export interface Outcome {
  readonly passed: number
  readonly failed: number
  readonly failures: readonly string[]
  /** It was not run: when it passed with the same content, RFC 3339. */
  readonly rememberedFrom?: string
}

export interface Step {
  readonly name: string
  readonly run: (context: Context) => Promise<Outcome>
}

export interface Context {
  readonly root: string
  /** Where a step writes its full output; the console gets it only when the step fails. */
  readonly logs: string
  readonly env: NodeJS.ProcessEnv
}

export interface Finished {
  readonly exitCode: number
  readonly logFile: string
}

/** Runs a program to its end with its output in `<logs>/<name>.log`. A signal counts as exit code 128. */
export function runProgram(
  name: string,
  argv: readonly [string, ...string[]],
  { root, logs, env }: Context
): Promise<Finished> {
  mkdirSync(logs, { recursive: true })
  const logFile = path.join(logs, `${name.replaceAll(/[^a-z0-9.-]+/gi, '-')}.log`)
  const log = createWriteStream(logFile)
  const { promise, resolve, reject } = Promise.withResolvers<Finished>()
  const child = spawn(argv[0], argv.slice(1), { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.pipe(log, { end: false })
  child.stderr.pipe(log, { end: false })
  child.once('error', reject)
  child.once('close', (code) => log.end(() => resolve({ exitCode: code ?? 128, logFile })))
  return promise
}

/** A step that passes when the program exits with 0: one test. */
export function check(name: string, ...argv: [string, ...string[]]): Step {
  return {
    name,
    run: async (context) => {
      const { exitCode, logFile } = await runProgram(name, argv, context)
      return exitCode === 0
        ? { passed: 1, failed: 0, failures: [] }
        : { passed: 0, failed: 1, failures: [`${name}: exit code ${exitCode}, see ${logFile}`] }
    },
  }
}
