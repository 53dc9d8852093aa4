import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Sandbox } from '@bulkhead/wire'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { lockFile } from '../src/setup/file-lock.ts'
import { CommandLine } from './command-line.ts'
import { ownInstallation } from './own-installation.ts'
import { processesWith } from './processes-with.ts'

let installation: ReturnType<typeof ownInstallation>
let cli: CommandLine
let work: string

beforeAll(() => {
  installation = ownInstallation()
  cli = installation.cli
})
afterAll(() => installation[Symbol.asyncDispose]())
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'bulkhead-work-'))
})
afterEach(() => rmSync(work, { recursive: true, force: true }))

const sandboxes = () => cli.json<Sandbox[]>(['ls'])
const plant = (files: Record<string, string>) => {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(work, path)), { recursive: true })
    writeFileSync(join(work, path), content)
  }
}

const emulated = ['--runtime', 'qemu', '--isolation', 'emulated']
const machines = () => [...processesWith(`${cli.state}/`).values()].filter((line) => line.includes('qemu-system-'))

describe('what comes out', () => {
  it('is what the command printed, and nothing else', async () => {
    expect(await cli.run(['run', '--', 'python3', '-c', 'print(sum(range(10)))'])).toMatchObject({
      code: 0,
      stdout: Buffer.from('45\n'),
      stderr: '',
    })
    expect(await sandboxes()).toEqual([])
  })

  it('keeps the streams apart and every byte as it was', async () => {
    const script = 'import sys; sys.stdout.buffer.write(bytes(range(256))); sys.stderr.write("e"); sys.exit(7)'
    const { code, stdout, stderr } = await cli.run(['run', '--', 'python3', '-c', script])
    expect({ code, stderr }).toEqual({ code: 7, stderr: 'e' })
    expect(stdout).toEqual(Buffer.from(Array.from({ length: 256 }, (_, at) => at)))
  })

  it('loses nothing to a reader that pauses', async () => {
    const bytes = 48 * 1024 * 1024
    const { child, ended } = cli.start(['run', '--', 'head', '-c', String(bytes), '/dev/zero'])
    child.stdout.pause()
    // The pipe and every buffer on the way are full long before that.
    await new Promise((resolve) => setTimeout(resolve, 3000))
    child.stdout.resume()
    const { code, stdout } = await ended
    expect({ code, length: stdout.length }).toEqual({ code: 0, length: bytes })
  })

  it('stops when nobody reads any more, as any program in a pipe', async () => {
    const { child, ended } = cli.start(['run', '--', 'yes'])
    child.stdout.once('data', () => child.stdout.destroy())
    expect((await ended).code).toBe(141)
    expect(await sandboxes()).toEqual([])
  })

  it('is one object with --json, with base64 where it is not text', async () => {
    const { code, stdout } = await cli.run(['run', '--json', '--', 'sh', '-c', 'printf "\\377"; echo e >&2; exit 3'])
    expect(code).toBe(3)
    expect(JSON.parse(stdout.toString())).toMatchObject({
      exitCode: 3,
      exit: { kind: 'exited', code: 3 },
      stdout: { base64: '/w==', truncated: false },
      stderr: { text: 'e\n', truncated: false },
      sandbox: { runtime: 'gvisor', isolation: 'userspace' },
      kept: false,
    })
  })
})

describe('what goes in', () => {
  it('is stdin, whole and binary', async () => {
    const input = randomBytes(5_000_000)
    const { stdout } = await cli.run(['run', '--', 'sha256sum'], { input })
    expect(stdout.toString()).toBe(`${createHash('sha256').update(input).digest('hex')}  -\n`)
  })

  it('is nothing when stdin is /dev/null, empty or closed', async () => {
    expect((await cli.run(['run', '--', 'wc', '-c'])).stdout.toString()).toBe('0\n')
    expect((await cli.run(['run', '--', 'wc', '-c'], { input: '' })).stdout.toString()).toBe('0\n')
    const closed = new CommandLine(cli.state)
    closed.argv = (...args) => ['/bin/sh', '-c', 'exec "$@" <&-', 'sh', ...cli.argv(...args)]
    expect((await closed.run(['run', '--', 'wc', '-c'])).stdout.toString()).toBe('0\n')
  })

  it('does not hold the end up when the command does not read it', async () => {
    const { child, ended } = cli.start(['run', '--', 'true'], { stdin: 'pipe' })
    expect((await ended).code).toBe(0)
    child.stdin.destroy()
  })

  it('is the environment that was named, and no other', async () => {
    const own = new CommandLine(cli.state, { PASSED: 'a b', SECRET: 'x' })
    const script = 'echo "$PASSED|$SET|$SECRET|$EMPTY|$(printenv ABSENT || echo unset)"'
    const args = ['-e', 'PASSED', '-e', 'SET=c=d', '-e', 'EMPTY=', '-e', 'ABSENT']
    expect((await own.run(['run', ...args, '--', 'sh', '-c', script])).stdout.toString()).toBe('a b|c=d|||unset\n')
  })

  it('is a script, run by its suffix or its first line', async () => {
    plant({ 'a.py': 'import sys; print("py", sys.argv[1:])', 'b.js': 'console.log("js")', 'c.sh': 'echo sh $BASH' })
    plant({ 'bin/d': '#!/usr/bin/python3\nprint("shebang")' })
    const output = async (...args: string[]) => (await cli.run(['run', ...args], { cwd: work })).stdout.toString()
    expect(await output('a.py', '-x', 'y z')).toBe("py ['-x', 'y z']\n")
    expect(await output('b.js')).toBe('js\n')
    expect(await output(join(work, 'c.sh'))).toMatch(/^sh .*bash\n$/)
    expect(await output('bin/d')).toBe('shebang\n')
  })

  it('is a folder, without what .gitignore excludes, and comes back as asked', async () => {
    plant({
      '.gitignore': 'secret\n',
      secret: 'x',
      'lib/helper.py': 'x = 41',
      'main.py': [
        'import os, lib.helper',
        'print(lib.helper.x, os.path.exists("secret"), os.getcwd())',
        'os.makedirs("out/deep"); open("out/deep/f", "w").write("deep")',
        'os.symlink("/etc/passwd", "out/evil"); os.symlink("deep/f", "out/good")',
        'open("single", "w").write("one")',
      ].join('\n'),
    })
    const back = join(work, 'back')
    mkdirSync(back)
    const args = ['run', '--dir', '..', '--out', 'out', '--out', 'single', '../main.py']
    const { code, stdout, stderr } = await cli.run(args, { cwd: back })
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: '41 False /home/user/workspace\n' })
    expect(readFileSync(join(back, 'out/good'), 'utf8')).toBe('deep')
    expect(readFileSync(join(back, 'single'), 'utf8')).toBe('one')
    expect(readdirSync(join(back, 'out')).sort()).toEqual(['deep', 'good'])
    expect(stderr).toContain('left out evil')
    const all = await cli.run(['run', '--dir', '.', '--all', '--', 'cat', 'secret'], { cwd: work })
    expect(all.stdout.toString()).toBe('x')
  })

  it('comes back into what is there, and through no link', async () => {
    plant({ 'out/kept': 'kept', 'out/a': 'old', 'mine/a': 'mine', file: 'old' })
    symlinkSync('mine', join(work, 'link'))
    const script = 'mkdir out link; echo new | tee out/a link/a file latest-1 > /dev/null; ln -s latest-1 latest'
    const outs = ['out', 'link', 'file', 'latest'].flatMap((name) => ['--out', name])
    const { code, stderr } = await cli.run(['run', ...outs, '--', 'sh', '-c', script], { cwd: work })
    // The link alone is refused.
    expect({ code, told: stderr.match(/code {2}\w+/g) }).toEqual({ code: 125, told: ['code  destination_unusable'] })
    const read = (name: string) => readFileSync(join(work, name), 'utf8')
    expect([read('out/kept'), read('out/a'), read('file'), read('latest')]).toEqual(['kept', 'new\n', 'new\n', 'new\n'])
    expect(read('mine/a')).toBe('mine')
    expect(readdirSync(work).sort()).toEqual(['file', 'latest', 'link', 'mine', 'out'])
  })

  it('comes back empty, too, and not when it is more than the disk may have', async () => {
    expect((await cli.run(['run', '--out', 'e', '--', 'mkdir', 'e'], { cwd: work })).code).toBe(0)
    expect(readdirSync(join(work, 'e'))).toEqual([])
    const args = ['run', '--disk', '64M', '--out', '/usr', '--', 'true']
    const { code, stderr } = await cli.run(args, { cwd: work })
    expect(code).toBe(125)
    expect(stderr).toContain('output_too_large')
    expect(readdirSync(work)).toEqual(['e'])
  })

  it('that cannot come back leaves the exit code and the report of the command', async () => {
    const script = 'echo x > there; exit 3'
    const args = ['run', '--json', '--evidence', '--out', 'missing', '--out', 'there', '--', 'sh', '-c', script]
    const { code, stdout, stderr } = await cli.run(args, { cwd: work })
    expect(code).toBe(3)
    expect(stderr).toContain('missing')
    expect(JSON.parse(stdout.toString())).toMatchObject({ exitCode: 3, evidence: { verdict: { outcome: 'proven' } } })
    expect(readdirSync(work)).toEqual(['there'])
    expect((await cli.run(['run', '--out', 'missing', '--', 'true'], { cwd: work })).code).toBe(125)
  })

  it('may have any name that a file can have', async () => {
    const names = ['a\nb', '-rf', '@x', '🛳', 'ü'.normalize('NFD'), 'n'.repeat(255), '..a', ' b']
    plant(Object.fromEntries(names.map((name) => [name, 'x'])))
    const script = 'import os, json; print(json.dumps(sorted(os.listdir("."))))'
    const { stdout } = await cli.run(['run', '--dir', '.', '--', 'python3', '-c', script], { cwd: work })
    expect((JSON.parse(stdout.toString()) as string[]).sort()).toEqual(names.sort())
  })
})

describe('how it ends', () => {
  it.each([
    ['a command that does not exist', ['--', 'no-such-command'], 127, 'no such command'],
    ['one that is not executable', ['--', '/etc/passwd'], 126, 'not executable'],
    ['a folder', ['--', '/etc'], 126, 'folder'],
    ['a signal of its own', ['--', 'sh', '-c', 'kill -SEGV $$'], 139, ''],
    ['a time limit', ['--timeout', '1s', '--', 'sleep', '600'], 124, ''],
    ['no such working directory', ['--workdir', '/nope', '--', 'true'], 125, '/nope'],
    ['no such user', ['--user', 'nobody-here', '--', 'true'], 125, 'nobody-here'],
    ['no such option', ['--bogus', '--', 'true'], 125, '--bogus'],
    ['no command', [], 125, 'command'],
    ['too little memory', ['--memory', '1M', '--', 'true'], 125, '--memory'],
    ['no memory', ['--memory', '0', '--', 'true'], 125, '--memory'],
    ['less than no memory', ['--memory=-1', '--', 'true'], 125, '--memory'],
    ['more memory than there can be', ['--memory', '10T', '--', 'true'], 125, '--memory'],
    ['a size that is none', ['--disk', 'lots', '--', 'true'], 125, '--disk'],
    ['no processors', ['--cpus', '0', '--', 'true'], 125, '--cpus'],
    ['a time that is none', ['--timeout', 'soon', '--', 'true'], 125, '--timeout'],
    ['a folder that is not there', ['--dir', '/nope', '--', 'true'], 125, '--dir'],
    [
      'isolation that this machine lacks',
      ['--runtime', 'gvisor', '--isolation', 'hardware', '--', 'true'],
      125,
      'hardware',
    ],
    ['an image that is not a name', ['--image', 'NOT//a::name', '--', 'true'], 125, 'NOT//a::name'],
  ])('%s', async (_name, args, code, said) => {
    const ended = await cli.run(['run', ...args])
    expect(ended.stderr).toContain(said)
    expect(ended.code).toBe(code)
    expect(ended.stderr).not.toMatch(/\n\s+at /) // never a stack
    expect(await sandboxes()).toEqual([])
  })

  it('passes a request to end on, and the command decides', async () => {
    const script = 'trap "echo got it; exit 5" TERM; echo ready; while :; do sleep 0.1; done'
    const { child, said, ended } = cli.start(['run', '--', 'bash', '-c', script])
    await said('ready')
    child.kill('SIGTERM')
    await said('got it')
    expect((await ended).code).toBe(5)
  })

  it('forces the end when asked twice, and still cleans up', async () => {
    const { child, said, ended } = cli.start([
      'run',
      '--',
      'bash',
      '-c',
      'trap "echo no" INT; echo ready; while :; do sleep 0.1; done',
    ])
    await said('ready')
    child.kill('SIGINT')
    await said('no')
    child.kill('SIGINT')
    expect((await ended).code).toBe(130)
    expect(await sandboxes()).toEqual([])
  })

  it.each([
    ['a slow reader has all of what was printed in time', ['seq', '100000'], 0],
    ['a command that does not end is ended', ['sh', '-c', 'seq 100000; sleep 600'], 124],
  ])('keeps to --timeout: %s', async (_, command, code) => {
    const { child, ended } = cli.start(['run', '--timeout', '3s', '--', ...command])
    child.stdout.pause()
    // Well after the limit and its grace.
    await new Promise((resolve) => setTimeout(resolve, 8000))
    child.stdout.resume()
    const { stdout, ...rest } = await ended
    expect(rest.code).toBe(code)
    expect(stdout.toString().trimEnd().split('\n')).toHaveLength(100_000)
    expect(await sandboxes()).toEqual([])
  })

  it('leaves nothing when interrupted while the sandbox is being made', async () => {
    // No sandbox of that size has been here: its template is booted first, which takes an emulated machine many seconds.
    const { child, ended } = cli.start(['run', ...emulated, '--memory', '300M', '--', 'true'])
    await vi.waitFor(async () => expect((await sandboxes()).map(({ state }) => state)).toEqual(['creating']), {
      timeout: 30_000,
      interval: 50,
    })
    await vi.waitFor(() => expect(machines()).not.toEqual([]), { timeout: 30_000 })
    child.kill('SIGINT')
    expect((await ended).code).toBe(130)
    // The server notices that nobody waits, and takes back what was half made.
    await vi.waitFor(async () => expect(await sandboxes()).toEqual([]), { timeout: 30_000 })
    await vi.waitFor(() => expect(machines()).toEqual([]), { timeout: 30_000 })
  })

  it('ends at once when interrupted in mid-output, also with a reader that pauses', async () => {
    const { child, said, ended } = cli.start(['run', '--', 'yes'])
    await said('y')
    child.stdout.pause()
    // This side has taken all that it takes: from here on what is on the way piles up.
    const full = child.stdout.readableHighWaterMark
    await vi.waitFor(() => expect(child.stdout.readableLength).toBeGreaterThanOrEqual(full), { timeout: 30_000 })
    child.kill('SIGINT')
    child.stdout.resume()
    expect((await ended).code).toBe(130)
    expect(await sandboxes()).toEqual([])
  })

  it('refuses hardware where doctor finds none, whatever the runtime', async (context) => {
    const { stdout } = await cli.run(['doctor', '--json'])
    const { checks } = JSON.parse(stdout.toString()) as { checks: { name: string; found: string }[] }
    const runtimes = checks.filter(({ name }) => name.startsWith('runtime.'))
    expect(runtimes).toHaveLength(2)
    if (runtimes.some(({ found }) => found.includes('class hardware'))) context.skip('this machine has it')
    const { code, stderr } = await cli.run(['run', '--isolation', 'hardware', '--', 'true'])
    expect(code).toBe(125)
    expect(stderr).toMatch(/code {2}isolation_unavailable/)
    expect(await sandboxes()).toEqual([])
  })

  it('leaves a sandbox with a deadline when it is killed itself', async () => {
    const { child, said, ended } = cli.start(['run', '--', 'sh', '-c', 'echo ready; sleep 600'])
    await said('ready')
    child.kill('SIGKILL')
    await ended
    const [left] = await sandboxes()
    expect(Date.parse(left?.deadlineAt ?? '') - Date.now()).toBeLessThanOrEqual(60_000)
    expect((await cli.run(['rm', left?.id ?? ''])).code).toBe(0)
  })
})

describe('a kept sandbox', () => {
  it('goes on until it is removed, and has proof of its kernel', async () => {
    const { stderr } = await cli.run(['run', '--keep', '--', 'sh', '-c', 'echo one > f'])
    const id = /keeping (sb-\w+)/.exec(stderr)?.[1] ?? ''
    expect((await cli.run(['exec', id, '--', 'cat', 'f'])).stdout.toString()).toBe('one\n')
    expect((await cli.run(['exec', id, 'sh', '-c', 'exit 9'])).code).toBe(9)
    const { evidence } = await cli.json<{ evidence: { sandboxId: string; verdict: { outcome: string } }[] }>([
      'evidence',
    ])
    expect(evidence.map(({ sandboxId, verdict }) => [sandboxId, verdict.outcome])).toEqual([[id, 'proven']])
    expect((await cli.run(['rm', id])).stdout.toString()).toBe(`${id}\n`)
    expect((await cli.run(['exec', id, 'true'])).code).toBe(125)
    expect(await sandboxes()).toEqual([])
  })

  it('whose inside was silenced is UNKNOWN, loudly, and can be removed', async () => {
    const { stderr } = await cli.run(['run', '--keep', '--runtime', 'gvisor', '--', 'true'])
    const id = /keeping (sb-\w+)/.exec(stderr)?.[1] ?? ''
    // It takes the agent with it that would have told how this ended.
    const stop = ['exec', '--timeout', '2s', id, '--', 'sudo', 'kill', '-STOP', '1']
    expect((await cli.run(stop)).code).toBe(124)
    const told = await cli.run(['evidence', id])
    expect(told.code).toBe(4)
    expect(told.stderr).toContain(`UNKNOWN: the inside of ${id} did not answer`)
    expect(told.stderr).toMatch(/next .*bulkhead rm sb-\w+\n\s+code {2}evidence_unknown/)
    expect((await cli.run(['rm', id])).code).toBe(0)
    expect(await sandboxes()).toEqual([])
  })

  it('outlives a server that ends because nobody asks it for anything', async () => {
    await cli.run(['server', 'stop'])
    const idle = new CommandLine(cli.state, { BULKHEAD_IDLE_EXIT_MS: '500' })
    const { code, stderr } = await idle.run(['run', '--keep', '--', 'sh', '-c', 'echo three > /dev/shm/f'])
    const id = /keeping (sb-\w+)/.exec(stderr)?.[1] ?? ''
    expect(code).toBe(0)
    // The lock goes with the server's process.
    const ended = async () => {
      await using _lock = await lockFile(join(cli.state, 'server.lock'), AbortSignal.timeout(60_000))
    }
    await ended()
    expect([...processesWith(`-${id}`)]).not.toEqual([])
    expect((await cli.run(['exec', id, 'cat', '/dev/shm/f'])).stdout.toString()).toBe('three\n')
    expect((await sandboxes()).map((sandbox) => sandbox.id)).toEqual([id])
    expect((await cli.run(['rm', id])).code).toBe(0)
  })

  it('survives the server being killed', async () => {
    const { stderr } = await cli.run(['run', '--keep', '--', 'sh', '-c', 'echo two > f'])
    const id = /keeping (sb-\w+)/.exec(stderr)?.[1] ?? ''
    const { pid } = await cli.json<{ pid: number }>(['server', 'status'])
    process.kill(pid, 'SIGKILL')
    // Several at once find no server: one is started.
    const answers = await Promise.all([0, 1, 2].map(() => cli.run(['exec', id, 'cat', 'f'])))
    expect(answers.map(({ code, stdout, stderr }) => [code, stdout.toString(), stderr])).toEqual(
      [0, 1, 2].map(() => [0, 'two\n', ''])
    )
    const after = await cli.json<{ pid: number }>(['server', 'status'])
    expect(after.pid).not.toBe(pid)
    expect((await cli.run(['rm', id])).code).toBe(0)
  })
})
