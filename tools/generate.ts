/**
 * Generates what is made from `packages/wire/proto`, the TypeScript in packages/wire/src/gen and the Go in guest/internal/gen; from
 * `packages/witness/proto`, the TypeScript in packages/witness/src/gen; and from `packages/kubernetes/crd`, the CustomResourceDefinitions in
 * packages/kubernetes/src/manifests/crds. Needs Go. And the chart in deploy/helm from these and from packages/kubernetes/src/manifests.
 *
 *     node tools/generate.ts            writes
 *     node tools/generate.ts --check    writes nothing; exit code 1, naming the files, when what is committed is not current
 * @packageDocumentation
 */
import { spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { chartTemplates } from '../packages/kubernetes/src/manifests/chart.ts'

const root = join(import.meta.dirname, '..')
const definitions = 'packages/kubernetes/src/manifests/crds'
/** Templates beside those that are written by hand have a folder of their own. */
const chart = { definitions: 'deploy/helm/bulkhead/definitions', templates: 'deploy/helm/bulkhead/templates/generated' }
const outputs = [
  'packages/wire/src/gen',
  'packages/witness/src/gen',
  'guest/internal/gen',
  definitions,
  ...Object.values(chart),
]

/** Throws when a generator fails; it has said why on stderr. The plugins' `out` folders are taken relative to `into`. */
function generate(into: string): void {
  for (const template of ['buf.gen.yaml', 'packages/witness/buf.gen.yaml']) {
    run('buf', ['generate', '--clean', '--template', template, '--output', into])
  }
  mkdirSync(join(into, definitions), { recursive: true })
  run('go', ['run', '-C', 'packages/kubernetes/crd', './cmd/crds', join(into, definitions)])
  cpSync(join(into, definitions), join(into, chart.definitions), { recursive: true })
  mkdirSync(join(into, chart.templates), { recursive: true })
  for (const [name, text] of Object.entries(chartTemplates())) writeFileSync(join(into, chart.templates, name), text)
}

/** `command` is found among the repository's own programs first. */
function run(command: string, args: readonly string[]): void {
  const bin = join(root, 'node_modules/.bin')
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` },
  })
  if (error) throw error
  if (status !== 0) throw new Error(`${command} ${args[0]} ended with ${status}`)
}

/** Names, relative to the root, of generated files that differ, are missing or have no definition any more. */
function differences(fresh: string): string[] {
  return outputs.flatMap((folder) => {
    const files = (base: string) =>
      globSync('**/*.{ts,go,json,yaml}', { cwd: join(base, folder) }).map((name) => join(folder, name))
    const committed = new Set(files(root))
    const wanted = files(fresh)
    const gone = [...committed].filter((name) => !wanted.includes(name))
    const stale = wanted.filter(
      (name) => !committed.has(name) || !readFileSync(join(fresh, name)).equals(readFileSync(join(root, name)))
    )
    return [...gone, ...stale].sort()
  })
}

const fresh = mkdtempSync(join(tmpdir(), 'bulkhead-generate-'))
try {
  generate(fresh)
  const different = differences(fresh)
  if (process.argv.includes('--check')) {
    if (different.length > 0) {
      process.stderr.write(`not current: ${different.join(', ')}\nnext: node tools/generate.ts, and commit\n`)
      process.exitCode = 1
    }
  } else {
    for (const name of different) rmSync(join(root, name), { force: true })
    for (const folder of outputs) cpSync(join(fresh, folder), join(root, folder), { recursive: true })
    process.stdout.write(`${different.length === 0 ? 'all current' : `written: ${different.join(', ')}`}\n`)
  }
} finally {
  rmSync(fresh, { recursive: true })
}
