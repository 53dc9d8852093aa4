import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openProduct, type Product } from '../support/product.ts'
import { kernels } from './kernels.ts'

const run = promisify(execFile)

interface Package {
  /** With its tests in the published archive. */
  readonly published: string
  /** Of its devDependencies those that its tests need, in the versions it asks for itself. Absent: all. */
  readonly needed?: readonly string[]
  readonly passes: number
  /** Whether emulation is quick enough for it; else only with BULKHEAD_TEST_LONG=1. */
  readonly emulated: boolean
}

const packages: readonly Package[] = [
  { published: 'through@2.3.8', passes: 27, emulated: true },
  // 9,000 files with the coverage tool under which its tests run. The other devDependencies check style and make releases.
  { published: 'minimist@1.2.8', needed: ['tape', 'nyc'], passes: 153, emulated: false },
]

let product: Product
let folder: string
beforeAll(async () => {
  product = await openProduct({ BULKHEAD_POOL_SIZE: '0' })
})
afterAll(() => product?.[Symbol.asyncDispose]())

/** A sandbox has no network: the package and what its tests need are fetched here, and go in together. */
async function fetchPackage({ published, needed }: Package, into: string): Promise<void> {
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund']
  const { stdout } = await run('npm', ['pack', '--json', ...quiet, published], { cwd: into })
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
  await run('tar', ['-xzf', filename, '--strip-components=1'], { cwd: into })
  rmSync(path.join(into, filename))
  if (needed) keepOnly(needed, path.join(into, 'package.json'))
  writeFileSync(path.join(into, '.gitignore'), 'node_modules\ncoverage\n.nyc_output\n')
  await run('npm', ['install', ...quiet], { cwd: into })
}

function keepOnly(needed: readonly string[], manifestPath: string): void {
  const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as { devDependencies: Record<string, string> }
  const devDependencies = Object.fromEntries(needed.map((name) => [name, manifest.devDependencies[name]]))
  writeFileSync(manifestPath, JSON.stringify({ ...manifest, devDependencies }, null, 2))
}

// Without the scripts before and after it: those of minimist look for style, and for security advisories on the network.
const npmTest = ['test', '--ignore-scripts']
const passes = (output: string) => output.match(/^ok \d+/gm)?.length

describe.each(packages)('npm test of $published', (one) => {
  beforeAll(async () => {
    folder = mkdtempSync('/var/tmp/bulkhead-npm-package-')
    await fetchPackage(one, folder)
  }, 300_000)
  afterAll(() => rmSync(folder, { recursive: true }))

  it('passes on the host', async () => {
    const { stdout } = await run('npm', npmTest, { cwd: folder })
    expect(passes(stdout)).toBe(one.passes)
  })

  const fit = Object.entries(kernels).filter(
    ([name]) => one.emulated || name === 'gvisor' || process.env.BULKHEAD_TEST_LONG === '1'
  )
  it.each(fit)('passes in %s', { timeout: 600_000 }, async (_, kernel) => {
    // node_modules is what .gitignore excludes first.
    const { exitCode, stdout, stderr } = await product.cli(
      ['run', ...kernel, '--dir', '.', '--all', '--', 'npm', ...npmTest],
      { cwd: folder }
    )
    expect({ exitCode, passes: passes(stdout.toString()) }, stderr).toEqual({ exitCode: 0, passes: one.passes })
  })
})
