/**
 * Measures what docs/benchmarks.md shows, each figure with its baseline in the same run, and writes it as a table and as JSON.
 *
 *   BULKHEAD_TEST_INSTALLATION=/var/lib/bulkhead/installation.json node bench/main.ts [name…]
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import path from 'node:path'
import Table from 'cli-table3'
import { type Figure, reached } from './figure.ts'
import { commandLine } from './figures/command-line.ts'
import { density } from './figures/density.ts'
import { failureDomains } from './figures/failure-domains.ts'
import { files } from './figures/files.ts'
import { memory } from './figures/memory.ts'
import { roundTrip } from './figures/round-trip.ts'
import { withoutPool, withPool } from './figures/start.ts'
import { KubernetesBenches } from './kubernetes/kubernetes-benches.ts'

await using kubernetes = new KubernetesBenches()
const benches: Record<string, () => Promise<Figure[]>> = {
  start: withoutPool,
  pool: withPool,
  'round-trip': roundTrip,
  'command-line': commandLine,
  memory,
  density,
  files,
  'failure-domains': failureDomains,
  ...kubernetes.benches,
}

const chosen = process.argv.slice(2)
const unknown = chosen.filter((name) => !benches[name])
if (unknown.length > 0) throw new Error(`unknown: ${unknown.join(', ')}; there are: ${Object.keys(benches).join(', ')}`)

const machine = {
  cpus: `${cpus().length} × ${cpus()[0]?.model.trim()}`,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  loadBefore: loadavg()[0],
}
const figures: Figure[] = []
for (const [name, run] of Object.entries(benches)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue
  process.stderr.write(`${name}…\n`)
  try {
    figures.push(...(await run()))
  } catch (error) {
    // What the others measured, in minutes, is not lost with it.
    process.exitCode = 1
    process.stderr.write(`${name} failed: ${error instanceof Error ? error.stack : error}\n`)
  }
}

const table = new Table({ head: ['figure', 'measured', 'target', '', 'detail'], style: { head: [] } })
for (const figure of figures) {
  const { target, unit } = figure
  const goal = target ? ('atMost' in target ? `≤ ${target.atMost}` : `≥ ${target.atLeast}`) : ''
  const mark = { true: 'reached', false: 'MISSED', undefined: '' }[`${reached(figure)}`]
  const value = `${figure.value.toFixed(figure.value < 10 ? 2 : 0)}${unit === 'ratio' ? '×' : ` ${unit}`}`
  table.push([figure.name, value, goal, mark, figure.detail])
}
process.stdout.write(`${table.toString()}\n`)

const out = path.resolve(import.meta.dirname, '../.cache/bench')
mkdirSync(out, { recursive: true })
const file = path.join(out, `${new Date().toISOString().replaceAll(':', '')}.json`)
writeFileSync(file, `${JSON.stringify({ takenAt: new Date().toISOString(), machine, figures }, null, 2)}\n`)
process.stderr.write(`written to ${file}\n`)
