import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import path from 'node:path'
import type { Context, Outcome, Step } from './step.ts'

/** What is believed of a run that passed; then it is done again, because not all of the machine is among what is compared. */
const believedMs = 24 * 60 * 60_000

interface Passed {
  readonly passed: number
  /** RFC 3339. */
  readonly at: string
}

export interface RememberedOptions {
  /** Of files in the repository, by path: what the outcome depends on. */
  readonly concerns: (file: string) => boolean
  /** Run it whatever is remembered. */
  readonly fresh: boolean
}

/**
 * The step, unless it passed within a day with the same content: the same files, artefacts, Node and host kernel. As `go test` does. Only a run without
 * a failure is remembered, beside the installation that it ran with.
 */
export const remembered = (step: Step, options: RememberedOptions): Step => ({
  name: step.name,
  run: async (context) => {
    const file = fileFor(step.name, context, options)
    const before = file && !options.fresh ? read(file) : undefined
    if (before) return { passed: before.passed, failed: 0, failures: [], rememberedFrom: before.at }
    const outcome = await step.run(context)
    if (file && outcome.failed === 0 && outcome.passed > 0) write(file, outcome)
    return outcome
  },
})

function fileFor(name: string, { root, env }: Context, { concerns }: RememberedOptions): string | undefined {
  const installation = env.BULKHEAD_TEST_INSTALLATION
  const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
  if (!installation || listed.status !== 0) return undefined
  const hash = createHash('sha256')
  const add = (content: string | Buffer) => hash.update(`${Buffer.byteLength(content)}\n`).update(content)
  add(`${process.version} ${release()}`)
  add(readFileSync(installation))
  for (const file of listed.stdout.toString().split('\0').filter(Boolean).sort()) {
    if (!concerns(file)) continue
    add(file)
    add(contentOf(path.join(root, file)))
  }
  const key = hash.digest('hex').slice(0, 32)
  return path.join(path.dirname(installation), 'passed-tests', `${name.replaceAll(/[^a-z0-9]+/gi, '-')}-${key}.json`)
}

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch {
    return Buffer.from('(deleted)')
  }
}

function read(file: string): Passed | undefined {
  try {
    const passed = JSON.parse(readFileSync(file, 'utf8')) as Passed
    const ageMs = Date.now() - Date.parse(passed.at)
    return ageMs >= 0 && ageMs < believedMs ? passed : undefined
  } catch {
    return undefined // not there, or half written: then it is run
  }
}

function write(file: string, { passed }: Outcome): void {
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, JSON.stringify({ passed, at: new Date().toISOString() } satisfies Passed))
}
