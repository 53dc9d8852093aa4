import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sourceDirectory } from '../src/source-directory.ts'

let checkout: string
let bin: string
beforeAll(() => {
  checkout = join(mkdtempSync('/var/tmp/bulkhead-launcher-'), 'clone with spaces')
  mkdirSync(checkout)
  for (const part of ['bulkhead', 'package.json', 'package-lock.json', 'packages']) {
    const notInstalled = (path: string) => !path.includes('node_modules')
    cpSync(join(sourceDirectory, part), join(checkout, part), {
      recursive: true,
      filter: notInstalled,
      preserveTimestamps: true,
    })
  }
  bin = join(dirname(checkout), 'bin')
  mkdirSync(bin)
  symlinkSync('../clone with spaces/bulkhead', join(bin, 'bh'))
})
afterAll(() => rmSync(dirname(checkout), { recursive: true, force: true }))

async function launch(path: string, args: string[], env: NodeJS.ProcessEnv = process.env) {
  const child = spawn(path, args, { cwd: '/', env, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const [code] = await once(child, 'close')
  return { code, stdout, stderr }
}
const launcher = () => join(checkout, 'bulkhead')
const installing = 'installing the npm dependencies'

it('installs once when two are started at once after an interruption, and then spawns nothing', async () => {
  const cut = spawn(launcher(), ['--version'], { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  await once(cut.stderr, 'data')
  process.kill(-(cut.pid as number), 'SIGKILL')
  await once(cut, 'close')
  expect(existsSync(join(checkout, 'node_modules/.bulkhead-lock.json'))).toBe(false)

  const both = await Promise.all([launch(launcher(), ['--version']), launch(join(bin, 'bh'), ['--version'])])
  expect(both.map(({ code, stdout }) => [code, stdout])).toEqual([
    [0, '0.1.0\n'],
    [0, '0.1.0\n'],
  ])
  expect(both.filter(({ stderr }) => stderr.includes(installing))).toHaveLength(1)

  const trace = join(dirname(checkout), 'trace')
  const calls = ['-e', 'trace=execve,clone,clone3,fork,vfork']
  execFileSync('strace', ['-f', '-qq', ...calls, '-o', trace, launcher(), '--version'], { stdio: 'ignore' })
  const [shell, node] = readFileSync(trace, 'utf8').split('\n')
  expect(shell).toMatch(/execve\(.*\/bulkhead"/)
  expect(node).toMatch(/execve\(.*\/node"/)
}, 300_000)

it('installs again when the lock file has changed, not when only its time has', async () => {
  utimesSync(join(checkout, 'package-lock.json'), new Date(), new Date(Date.now() - 86_400_000))
  expect((await launch(launcher(), ['--version'])).stderr).toBe('')
  execFileSync('sh', ['-c', 'echo >> package-lock.json'], { cwd: checkout })
  expect((await launch(launcher(), ['--version'])).stderr).toContain(installing)
}, 300_000)

it('says what it would do where it may not install npm, and stops', async () => {
  rmSync(join(checkout, 'node_modules'), { recursive: true, force: true })
  const tools = join(dirname(checkout), 'tools')
  mkdirSync(tools)
  for (const name of ['mkdir', 'flock', 'cmp', 'id', 'apt-get'])
    symlinkSync(execFileSync('which', [name]).toString().trim(), join(tools, name))
  const { code, stderr } = await launch(launcher(), ['run', '--', 'apt', '--yes'], {
    PATH: tools,
    HOME: '/nonexistent',
  })
  expect(code).toBe(125)
  expect(stderr).toContain('apt-get install --no-install-recommends npm')
  expect(stderr).toContain('BULKHEAD_YES=1')
  expect(readdirSync(checkout)).not.toContain('node_modules')
})
