/**
 * Runs everything that is tested, after `bulkhead test` has set the machine up. The last line counts over all of it.
 *
 *   node tools/test.ts [--fresh] [name…]     only the steps whose name starts with one of these
 *
 * Steps that take minutes are not run again within a day while nothing has changed that they depend on, unless `--fresh` is given.
 *
 * Steps that need no kernel run two at a time; the rest alone, because they assert about the whole host.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { goTest } from './test/go-test.ts'
import { leftovers } from './test/leftovers.ts'
import { onControlPlane } from './test/on-control-plane.ts'
import { remembered } from './test/remembered.ts'
import { type Context, check, type Outcome, type Step } from './test/step.ts'
import { vitest } from './test/vitest.ts'

const root = path.resolve(import.meta.dirname, '..')
const context: Context = { root, logs: path.join(root, '.cache/test'), env: { ...process.env, NO_COLOR: '1' } }
mkdirSync(context.logs, { recursive: true })

const go = process.env.BULKHEAD_GO ?? 'go'
const bin = (name: string) => path.join(root, 'node_modules/.bin', name)
const node = process.execPath
const machine = leftovers()

const only = process.argv.slice(2).filter((arg) => arg !== '--fresh')
const fresh = process.argv.includes('--fresh')

/** Of Kubernetes alone: no kernel, server or command of one machine depends on it. */
const ofKubernetes =
  /^(packages\/kubernetes|tools\/(cluster|operator|sandbox-runtime)|deploy|test\/(kubernetes|cluster)|docs\/kubernetes|guest\/(cmd\/runtime|internal\/runtimeapi))\//
/** Depends on nothing but people, or is no part of any product. */
const ofPeople = /^(docs\/[^/]+\.md|bench\/.*|[A-Z]+(\.md)?)$/
/** These are run each time. */
const ofUnits = /_test\.go$|\/src\/.*\.test\.ts$/
const concernsMachine = (file: string) =>
  file === 'README.md' || !(ofKubernetes.test(file) || ofPeople.test(file) || ofUnits.test(file))
const concernsCluster = (file: string) => !(ofPeople.test(file) || ofUnits.test(file))
const onMachine = (step: Step): Step => remembered(step, { fresh, concerns: concernsMachine })
const onCluster = (step: Step): Step => remembered(onControlPlane(step), { fresh, concerns: concernsCluster })

const light: Step[] = [
  check('lint', bin('biome'), 'ci', '--colors=off', '.'),
  check('types', bin('tsc'), '--noEmit', '-p', '.'),
  check('arrows', node, 'tools/arrows.ts'),
  check('lock file is complete', 'npm', 'ci', '--dry-run', '--ignore-scripts', '--no-audit', '--no-fund'),
  check('generated code is current', node, 'tools/generate.ts', '--check'),
  check('go vet', go, 'vet', '-C', 'guest', './...'),
  goTest('go test', 'guest', go),
  vitest('unit', 'unit'),
]
const alone: Step[] = [
  // A quarter of an hour on a new machine, nothing afterwards; before the tests, whose time is limited.
  check('cluster programs', node, 'tools/cluster/main.ts', 'build'),
  machine.before,
  onMachine(vitest('images', 'real', 'packages/images/test')),
  onMachine(vitest('kernel', 'real', 'packages/kernel/test', 'packages/witness/test')),
  onMachine(vitest('engine', 'real', 'packages/engine/test')),
  onMachine(vitest('server', 'real', 'packages/server/test', 'packages/sdk/test')),
  onMachine(vitest('cli', 'real', 'packages/cli/test')),
  onMachine(vitest('across parts', 'across')),
  onCluster(vitest('kubernetes', 'control-plane')),
  onCluster(vitest('kubernetes, on a cluster', 'cluster')),
  machine.after,
]

const totals = { passed: 0, failed: 0 }
const failures: string[] = []

async function perform(step: Step): Promise<void> {
  const started = performance.now()
  let outcome: Outcome
  try {
    outcome = await step.run(context)
  } catch (error) {
    outcome = { passed: 0, failed: 1, failures: [`${step.name}: ${String(error)}`] }
  }
  totals.passed += outcome.passed
  totals.failed += outcome.failed
  failures.push(...outcome.failures)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  print(
    `${outcome.failed === 0 ? 'ok  ' : 'FAIL'} ${step.name}: ${outcome.passed} passed, ${outcome.failed} failed (${
      outcome.rememberedFrom ? `with the same content at ${outcome.rememberedFrom}` : `${seconds} s`
    })`
  )
  for (const failure of outcome.failures) {
    print(failure.replaceAll(/^/gm, '     '))
    const log = /^.*, see (\S+)$/.exec(failure)?.[1]
    if (log) print(tailOf(log))
  }
}

function tailOf(file: string): string {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return lines
    .slice(-40)
    .map((line) => `     | ${line}`)
    .join('\n')
}

const print = (line: string) => process.stdout.write(`${line}\n`)

async function twoAtATime(steps: Step[]): Promise<void> {
  const waiting = [...steps]
  const lane = async () => {
    for (let step = waiting.shift(); step; step = waiting.shift()) await perform(step)
  }
  await Promise.all([lane(), lane()])
}

const chosen = (steps: Step[]) =>
  only.length === 0 ? steps : steps.filter((s) => only.some((o) => s.name.startsWith(o)))

await twoAtATime(chosen(light))
for (const step of chosen(alone)) await perform(step)
if (failures.length > 0) print(`\nfailed:\n${failures.map((failure) => `  ${failure.split('\n')[0]}`).join('\n')}`)
print(`${totals.passed} passed, ${totals.failed} failed`)
process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1
