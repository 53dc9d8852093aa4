import { randomBytes } from 'node:crypto'
import { readFile, symlink } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Sandbox } from '../src/sandbox.ts'
import { type AgentSandbox, startAgentSandbox } from './agent.ts'

let agent: AgentSandbox
let sandbox: Sandbox
beforeEach(async () => {
  agent = await startAgentSandbox()
  sandbox = agent.sandbox
})
afterEach(() => agent[Symbol.asyncDispose]())

const root = { user: 'root', cwd: '/' } as const
const shell = (script: string) => ['/bin/sh', '-c', script]
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const MiB = 1024 ** 2

describe('run', () => {
  it('keeps stdout and stderr apart and gives the exit code', async () => {
    const result = await sandbox.run(shell('echo out; echo err >&2; exit 3'), root)
    expect(result).toMatchObject({ exit: { kind: 'exited', code: 3 }, truncated: false })
    expect([text(result.stdout), text(result.stderr)]).toEqual(['out\n', 'err\n'])
  })

  it('passes every byte through, in and out', async () => {
    const input = randomBytes(5 * MiB)
    const { stdout, exit } = await sandbox.run(['/bin/cat'], { ...root, input })
    expect(exit).toEqual({ kind: 'exited', code: 0 })
    expect(Buffer.from(stdout).equals(input)).toBe(true)
  })

  it('arguments and environment arrive as they are', async () => {
    const odd = ['', ' ', 'a\'b"c', '$HOME', '\n', '🙂', 'x'.repeat(100_000)]
    const { stdout } = await sandbox.run(['/bin/sh', '-c', 'printf "%s\\0" "$@" "$ODD"', '-', ...odd], {
      ...root,
      env: { ODD: 'ä=b\n' },
    })
    expect(text(stdout).split('\0')).toEqual([...odd, 'ä=b\n', ''])
  })

  it('cuts output off at its bound and says so', async () => {
    const { stdout, truncated, exit } = await sandbox.run(shell('yes | head -c 3000000'), {
      ...root,
      maxOutputBytes: 1000,
    })
    expect({ size: stdout.byteLength, truncated, exit }).toEqual({
      size: 1000,
      truncated: true,
      exit: { kind: 'exited', code: 0 },
    })
  })

  it('a command that does not read its input ends all the same', async () => {
    const { exit } = await sandbox.run(['/bin/true'], { ...root, input: randomBytes(4 * MiB) })
    expect(exit).toEqual({ kind: 'exited', code: 0 })
  })

  it.each([
    ['does not exist', ['/no/such/command'], {}, 'command_not_found'],
    ['does not exist in PATH', ['no-such-command'], {}, 'command_not_found'],
    ['is a folder', ['/tmp'], {}, 'command_not_executable'],
    ['is not executable', ['/etc/passwd'], {}, 'command_not_executable'],
    ['has no such working directory', ['/bin/true'], { cwd: '/no/such/folder' }, 'invalid_request'],
    ['has no such user', ['/bin/true'], { user: 'nobody-of-that-name' }, 'invalid_request'],
    ['is empty', [], {}, 'invalid_request'],
  ])('a command that %s', async (_, argv, options, code) => {
    await expect(sandbox.run(argv, { ...root, ...options })).rejects.toMatchObject({ code })
  })

  it.each([
    ['SIGKILL', 9],
    ['SIGTERM', 15],
    ['SIGRT40', 40],
  ])('a command ended by %s', async (signal, number) => {
    const { exit } = await sandbox.run(shell(`kill -${number} $$`), root)
    expect(exit).toEqual({ kind: 'signalled', signal, number })
  })

  it('a command over its time is killed, with its children', async () => {
    const { exit } = await sandbox.run(shell('sleep 300 & wait'), { ...root, timeoutMs: 300 })
    expect(exit).toEqual({ kind: 'timed_out', afterMs: 300 })
    await expect.poll(() => sandbox.processes()).toEqual([])
  })

  it('an abort kills the command', async () => {
    const abort = new AbortController()
    const run = sandbox.run(shell('echo $$; sleep 300'), {
      ...root,
      signal: abort.signal,
      onStdout: () => abort.abort(new Error('enough')),
    })
    await expect(run).rejects.toThrow('enough')
    await expect.poll(() => sandbox.processes()).toEqual([])
  })
})

describe('start', () => {
  it('output waits for its reader; unread output holds the process back', async () => {
    const process = await sandbox.start(shell('head -c 20000000 /dev/zero; echo end >&2'), root)
    let size = 0
    for await (const chunk of process.stdout) size += chunk.byteLength
    expect(size).toBe(20_000_000)
    expect(text(Buffer.concat(await Array.fromAsync(process.stderr)))).toBe('end\n')
    expect(await process.exit).toEqual({ kind: 'exited', code: 0 })
  })

  it('a slow callback holds the process back instead of memory', async () => {
    let size = 0
    const process = await sandbox.start(shell('head -c 200000000 /dev/zero'), {
      ...root,
      onStdout: async (chunk) => {
        size += chunk.byteLength
        await new Promise((resolve) => setImmediate(resolve))
      },
    })
    expect(await process.exit).toEqual({ kind: 'exited', code: 0 })
    expect(size).toBe(200_000_000)
  })

  it('a callback that throws ends the following, and nothing is left open', async () => {
    const process = await sandbox.start(shell('while :; do echo x; sleep 0.01; done'), {
      ...root,
      onStdout: () => {
        throw new Error('reader is gone')
      },
    })
    await expect(process.exit).rejects.toThrow('reader is gone')
    expect(await process.kill('SIGKILL')).toBe(true)
  })

  it('writes reach the process in order; after its end they are dropped', async () => {
    const process = await sandbox.start(['/usr/bin/head', '-n', '3'], { ...root, stdin: true })
    const written = await Promise.all(Array.from({ length: 3 }, (_, n) => process.write(`${n}\n`)))
    expect(written).toEqual([true, true, true])
    expect(text(Buffer.concat(await Array.fromAsync(process.stdout)))).toBe('0\n1\n2\n')
    await process.exit
    expect(await process.write('late\n')).toBe(false)
    await process.closeStdin()
  })

  it('kill reaches the group; of what has ended it is no error', async () => {
    const process = await sandbox.start(shell('sleep 300 & sleep 300'), root)
    expect(await process.kill('SIGTERM')).toBe(true)
    expect(await process.exit).toMatchObject({ kind: 'signalled', signal: 'SIGTERM' })
    expect(await process.kill()).toBe(false)
  })

  it('a terminal has a size that can change, and is one', async () => {
    const process = await sandbox.start(shell('tty; stty size; read x; stty size'), {
      ...root,
      pty: { cols: 80, rows: 24 },
    })
    let output = ''
    const read = (async () => {
      for await (const chunk of process.stdout) output += text(chunk)
    })()
    await expect.poll(() => output).toContain('24 80')
    await process.resize({ cols: 100, rows: 50 })
    await process.write('\n')
    await process.exit
    await read
    expect(output).toContain('/dev/pts/')
    expect(output).toContain('50 100')
  })

  it('a process that was left is found by its tag, its output with it', async () => {
    const first = await sandbox.start(shell('read x; echo got $x; exit 4'), { ...root, stdin: true, tag: 'mine' })
    first.disconnect()
    await expect(first.exit).rejects.toMatchObject({ code: 'connection_lost' })
    const second = await sandbox.connect({ tag: 'mine' })
    expect(second.pid).toBe(first.pid)
    expect(await second.write('it\n')).toBe(true)
    expect(text(Buffer.concat(await Array.fromAsync(second.stdout)))).toBe('got it\n')
    expect(await second.exit).toEqual({ kind: 'exited', code: 4 })
    const third = () =>
      sandbox.connect({ tag: 'mine' }).then(
        () => 'found',
        (error) => error.facts.rpcCode
      )
    await expect.poll(third).toBe('not_found')
  })

  it('an agent that dies is told as a lost connection', async () => {
    const process = await sandbox.start(['/bin/sleep', '300'], root)
    agent.child.kill('SIGKILL')
    await expect(process.exit).rejects.toMatchObject({ code: 'connection_lost' })
    await expect(sandbox.run(['/bin/true'])).rejects.toMatchObject({
      code: expect.stringMatching(/server_unreachable|connection_lost/),
    })
    // Its children are no longer anybody's here.
    try {
      globalThis.process.kill(process.pid, 'SIGKILL')
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('ESRCH')
    }
  })
})

describe('files', () => {
  const user = { user: 'root' }
  const at = (name: string) => path.join(agent.folder, name)

  it('are written, read, listed, moved and removed', async () => {
    const content = randomBytes(3 * MiB)
    await sandbox.files.write(at('a/b/file'), content, user)
    expect(Buffer.from(await sandbox.files.read(at('a/b/file'), user)).equals(content)).toBe(true)
    expect(await sandbox.files.stat(at('a/b/file'), user)).toMatchObject({
      type: 'file',
      sizeBytes: 3 * MiB,
      name: 'file',
    })
    const part = await sandbox.files.readStream(at('a/b/file'), { ...user, range: { first: 10, last: 19 } })
    expect(Buffer.concat(await Array.fromAsync(part)).equals(content.subarray(10, 20))).toBe(true)
    await sandbox.files.move(at('a/b/file'), at('a/c'), user)
    const names = (await sandbox.files.list(at('a'), { ...user, depth: 2 })).map(({ name, type }) => `${name}:${type}`)
    expect(names.sort()).toEqual(['b:directory', 'c:file'])
    await sandbox.files.remove(at('a'), user)
    expect(await sandbox.files.exists(at('a'), user)).toBe(false)
  })

  it.each(['with space', 'new\nline', 'ünï🙂', '%2e%2e', 'a&b=c?d#e', 'x'.repeat(255)])(
    'may be named %j',
    async (name) => {
      await sandbox.files.write(at(name), 'content', user)
      expect(await sandbox.files.readText(at(name), user)).toBe('content')
      expect(await readFile(at(name), 'utf8')).toBe('content')
    }
  )

  it('stream in from a source of unknown length; a source that fails is an error, not a short file', async () => {
    async function* source() {
      for (let n = 0; n < 100; n += 1) yield randomBytes(100_000)
    }
    await sandbox.files.write(at('streamed'), source(), user)
    expect((await sandbox.files.stat(at('streamed'), user)).sizeBytes).toBe(10_000_000)
    async function* broken() {
      yield randomBytes(100_000)
      throw new Error('source broke')
    }
    await expect(sandbox.files.write(at('broken'), broken(), user)).rejects.toThrow('source broke')
  })

  it('an error tells the guest’s reason', async () => {
    await expect(sandbox.files.read(at('missing'), user)).rejects.toMatchObject({
      code: 'guest_call_failed',
      facts: { rpcCode: 'not_found' },
    })
    await expect(sandbox.files.read(agent.folder, user)).rejects.toMatchObject({
      code: 'guest_call_failed',
      facts: { rpcCode: 'invalid_argument' },
    })
    await expect(sandbox.files.list(at('missing'), user)).rejects.toMatchObject({
      code: 'guest_call_failed',
      facts: { rpcCode: 'not_found' },
    })
  })

  it('a folder goes out and in again', async () => {
    await sandbox.files.write(at('from/sub/file'), 'content', user)
    await symlink('sub/file', at('from/link'))
    const tar = await Array.fromAsync(await sandbox.tree.download(at('from'), user))
    await sandbox.tree.upload(at('to'), Buffer.concat(tar), user)
    expect(await readFile(at('to/link'), 'utf8')).toBe('content')
    await expect(sandbox.tree.upload(at('bad'), Buffer.from('this is no tar'.repeat(100)), user)).rejects.toMatchObject(
      { code: 'guest_call_failed' }
    )
  })
})
