import { existsSync, globSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { CommandLine } from './command-line.ts'
import { ownInstallation } from './own-installation.ts'
import { processesWith } from './processes-with.ts'

let installation: ReturnType<typeof ownInstallation>
beforeAll(() => {
  installation = ownInstallation()
})
afterAll(() => installation[Symbol.asyncDispose]())

it('set-up that is interrupted while Go builds leaves nothing half, and goes on where it stopped', {
  timeout: 600_000,
}, async () => {
  const { state } = installation.cli
  const artifacts = join(state, 'artifacts')
  rmSync(artifacts, { recursive: true })
  // The compiler and the linker, too, then have the state folder in their command lines.
  const work = join(state, 'go-work')
  mkdirSync(work)
  const cli = new CommandLine(state, { GOTMPDIR: work })
  const folders = (pattern: string) => globSync(pattern, { cwd: artifacts })
  const agents = () => folders('guest-+([0-9a-f])/agent').map((path) => join(artifacts, path))

  const { child, ended } = cli.start(['setup'])
  // gVisor is linked for seconds also when all of it is in Go's cache.
  const building = () => [...processesWith(`${artifacts}/runsc-`).values()].filter((line) => line.includes(' build '))
  await vi.waitFor(() => expect(building()).toHaveLength(1), { timeout: 120_000, interval: 20 })
  child.kill('SIGINT')
  expect((await ended).code).toBe(130)
  expect(folders('runsc-+([0-9a-f])')).toEqual([])
  await vi.waitFor(() => expect([...processesWith(state)]).toEqual([]), { timeout: 10_000 })

  const [agent = ''] = agents()
  const before = statSync(agent).mtimeMs
  const again = await cli.run(['setup'])
  expect(again).toMatchObject({ code: 0 })
  expect(agents()).toEqual([agent])
  expect(statSync(agent).mtimeMs).toBe(before)
  expect(folders('*.partial')).toEqual([])
  expect(folders('runsc-*/runsc')).toHaveLength(1)
  expect(existsSync(join(state, 'installation.json'))).toBe(true)
})

it('set-up makes what was deleted anew, as doctor says', { timeout: 600_000 }, async () => {
  const { cli } = installation
  const [runsc = ''] = globSync(join(cli.state, 'artifacts/runsc-*/runsc'))
  rmSync(runsc)
  const { code, stdout } = await cli.run(['doctor', '--json'])
  expect(code).toBe(3)
  const { checks } = JSON.parse(stdout.toString()) as { checks: { name: string; state: string; fix?: string }[] }
  expect(checks.find(({ name }) => name === 'installation.runsc')).toMatchObject({
    state: 'fail',
    fix: 'bulkhead setup',
  })
  expect(await cli.run(['setup'])).toMatchObject({ code: 0 })
  expect(existsSync(runsc)).toBe(true)
  expect((await cli.run(['run', '--runtime', 'gvisor', '--', 'echo', 'works'])).stdout.toString()).toBe('works\n')
})
