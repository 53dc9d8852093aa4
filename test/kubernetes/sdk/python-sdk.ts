import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The published client of the sandbox API, as its users install it. */
const requirement = 'k8s-agent-sandbox==1.0.8'

/** Not in /tmp, which may be memory; kept, because it takes half a minute. */
const environment = path.join('/var/tmp', `bulkhead-test-${requirement.replace('==', '-')}`)

/** Path of a Python that has the SDK. Rejects where there is no Python with venv and pip, or no package index. */
export async function pythonWithSdk(signal: AbortSignal): Promise<string> {
  const python = path.join(environment, 'bin', 'python3')
  if (await works(python, signal)) return python
  const draft = `${environment}.partial`
  for (const left of [draft, environment]) await rm(left, { recursive: true, force: true })
  await mkdir(path.dirname(draft), { recursive: true })
  await run('python3', ['-m', 'venv', draft], { signal })
  await run(path.join(draft, 'bin', 'python3'), ['-m', 'pip', 'install', '--quiet', requirement], { signal })
  // Its scripts name the folder they were made in, and are not used.
  await rename(draft, environment)
  return python
}

const works = (python: string, signal: AbortSignal): Promise<boolean> =>
  run(python, ['-c', 'import k8s_agent_sandbox'], { signal }).then(
    () => true,
    () => false
  )

/** Why the tests with the SDK cannot run here; undefined: they can. */
export const whyNoSdk = (signal: AbortSignal): Promise<string | undefined> =>
  pythonWithSdk(signal).then(
    () => undefined,
    (error) => `the Python SDK cannot be installed: ${String(error.stderr || error.message).slice(-500)}`
  )

export interface ScriptOptions {
  readonly args: readonly string[]
  /** A command that starts another one, elsewhere. Default: none. */
  readonly inside?: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
}

/** Runs a script of this folder to its end; returns what it prints last, a line of JSON. Rejects with its stderr when it fails. */
export async function runScript(
  python: string,
  script: string,
  { args, inside = [], env, signal }: ScriptOptions
): Promise<unknown> {
  const [program, ...rest] = [...inside, python, path.join(import.meta.dirname, script), ...args]
  const child = spawn(program as string, rest, { env, signal })
  const [stdout, stderr, [code]] = await Promise.all([
    Array.fromAsync(child.stdout.setEncoding('utf8')),
    Array.fromAsync(child.stderr.setEncoding('utf8')),
    once(child, 'close'),
  ])
  if (code !== 0) throw new Error(`${script} exited with ${code}: ${stderr.join('').slice(-4000)}`)
  const lines = stdout.join('').trim().split('\n')
  return JSON.parse(lines.at(-1) ?? '')
}
