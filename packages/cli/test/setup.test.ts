import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { findProgram } from '../src/setup/host.ts'
import { CommandLine } from './command-line.ts'

/** A machine on which only the named programs are found. */
let root: string
let cli: CommandLine
beforeEach(() => {
  root = mkdtempSync('/var/tmp/bulkhead-setup-test-')
  chmodSync(root, 0o711) // kernels run under other uids and have to pass
  const bin = join(root, 'bin')
  mkdirSync(bin)
  for (const name of ['flock', 'cat']) symlinkSync(findProgram(name) as string, join(bin, name))
  cli = new CommandLine(join(root, 'state'), { PATH: bin, BULKHEAD_YES: '' })
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

it.each([
  ['setup', ['setup'], 1],
  ['the first run', ['run', '--', 'true'], 125],
])('%s says what it would install, and changes nothing without consent', async (_name, args, code) => {
  const ended = await cli.run(args)
  expect(ended.code).toBe(code)
  expect(ended.stderr).toContain('apt-get install --yes --no-install-recommends')
  expect(ended.stderr).toContain('mmdebstrap')
  expect(ended.stderr).toMatch(/code\s+consent_needed/)
  expect(readdirSync(join(root, 'state')).sort()).toEqual(['setup.lock'])
})

it('doctor tells what is missing, what follows and the fix, and mends nothing', async () => {
  const { code, stdout } = await cli.run(['doctor', '--json'])
  expect(code).toBe(3)
  const { checks } = JSON.parse(stdout.toString()) as {
    checks: { name: string; state: string; consequence?: string; fix?: string }[]
  }
  const of = (name: string) => checks.find((check) => check.name === name)
  expect(of('program.skopeo')).toMatchObject({
    state: 'fail',
    consequence: expect.any(String),
    fix: expect.stringContaining('skopeo'),
  })
  expect(of('program.flock')).toMatchObject({ state: 'ok' })
  expect(of('installation')).toMatchObject({ state: 'fail', fix: expect.stringContaining('bulkhead setup') })
  expect(checks.filter(({ state, fix }) => state === 'fail' && !fix)).toEqual([])
  expect(readdirSync(join(root, 'state'))).toEqual([])
})

it.each([
  ['BULKHEAD_STATE_DIR', 'relative/folder'],
  ['BULKHEAD_POOL_SIZE', '-1'],
  ['BULKHEAD_IDLE_EXIT_MS', 'soon'],
  ['BULKHEAD_YES', 'maybe'],
])('names the knob %s when its value is none', async (name, value) => {
  const { code, stderr } = await new CommandLine(join(root, 'state'), { [name]: value }).run(['ls'])
  expect({ code, named: stderr.includes(name) }).toEqual({ code: 1, named: true })
})

it('says so when kernels, under their own uids, could not get at the state folder', async () => {
  chmodSync(root, 0o700)
  const { code, stderr } = await cli.run(['setup', '--yes'])
  expect(code).toBe(1)
  expect(stderr).toContain(`other users cannot pass through ${root}`)
})

it('says so when the state folder cannot be used', async () => {
  const { code, stderr } = await new CommandLine('/etc/hostname/state').run(['ls'])
  expect(code).toBe(1)
  expect(stderr).toMatch(/\/etc\/hostname\/state(.|\n)*code\s+state_unusable/)
})
