import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, utimesSync } from 'node:fs'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openProduct, type Product } from '../support/product.ts'
import { writeProject } from './c-project/source.ts'
import { kernels } from './kernels.ts'
import { workImage } from './work-image.ts'

let product: Product
let image: string
let folder: string
let project: string
beforeAll(async () => {
  product = await openProduct({ BULKHEAD_POOL_SIZE: '0' })
  image = (await workImage(product, new AbortController().signal)).reference
}, 600_000)
afterAll(() => product?.[Symbol.asyncDispose]())
beforeEach(() => {
  folder = mkdtempSync('/var/tmp/bulkhead-c-project-')
  project = path.join(folder, 'calc')
  mkdirSync(project)
  writeProject(project)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Compilers under emulation take minutes: there only when there is time. */
const inTime = Object.entries(kernels).filter(([name]) => name === 'gvisor' || process.env.BULKHEAD_TEST_LONG === '1')

describe.each(inTime)('a C project in %s', (_, kernel) => {
  const make = async (...args: string[]) => {
    const options = [...kernel, '--image', image, '--dir', project, ...args]
    const { exitCode, stdout, stderr } = await product.cli(['run', ...options, '--', 'make', 'check'], { cwd: folder })
    return { exitCode, stderr, lines: stdout.toString().trimEnd().split('\n') }
  }
  const compilations = (lines: readonly string[]) =>
    lines.filter((line) => / -c -o /.test(line)).map((line) => line.split(' ').at(-1))

  it('is built, tested and brought back, and built on from there', { timeout: 300_000 }, async () => {
    const first = await make('--out', 'build')
    expect(first).toMatchObject({ exitCode: 0, stderr: '' })
    expect(first.lines.slice(-4)).toEqual(expect.arrayContaining(['10 of 10 passed', 'program ok']))
    expect(compilations(first.lines).sort()).toEqual([
      'src/evaluate.c',
      'src/main.c',
      'src/tokens.c',
      'test/test_calc.c',
    ])
    // What was built there is a program here as well.
    const build = path.join(folder, 'build')
    expect(readdirSync(build)).toEqual(expect.arrayContaining(['calc', 'libcalc.a', 'test_calc']))
    expect(execFileSync(path.join(build, 'calc'), ['(1+2)*3']).toString()).toBe('9\n')

    // With its artefacts (which .gitignore leaves out) it goes in again: make finds nothing to do, for every file has kept its time.
    renameSync(build, path.join(project, 'build'))
    const second = await make('--all')
    expect(second).toMatchObject({ exitCode: 0, stderr: '' })
    expect(compilations(second.lines)).toEqual([])
    // One file that changed is one file compiled.
    const later = new Date(Date.now() + 2000)
    utimesSync(path.join(project, 'src/tokens.c'), later, later)
    const third = await make('--all')
    expect(third.exitCode).toBe(0)
    expect(compilations(third.lines)).toEqual(['src/tokens.c'])
  })

  it('fails as make fails', { timeout: 120_000 }, async () => {
    rmSync(path.join(project, 'src/evaluate.c'))
    const { exitCode, stderr } = await make()
    expect(exitCode).toBe(2)
    expect(stderr).toContain("No rule to make target 'build/evaluate.o'")
  })
})
