import { mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import {
  CommandExitError,
  FileNotFoundError,
  FilesystemEventType,
  FileType,
  InvalidArgumentError,
  type Sandbox,
  TimeoutError,
} from 'e2b'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BareAgent, startBareAgent } from './bare-agent.ts'

// The published E2B client, unmodified, against the agent: what it can do it can do here.
let agent: BareAgent
let sandbox: Sandbox
let folder: string

beforeAll(async () => {
  agent = await startBareAgent()
  sandbox = agent.sandbox
  folder = mkdtempSync('/var/tmp/bulkhead-e2b-')
})

afterAll(async () => {
  await agent?.[Symbol.asyncDispose]()
  if (folder) rmSync(folder, { recursive: true })
})

const user = 'root'

/** A home without a profile: the client starts login shells, and what the machine's root has in its own may take long, or break when killed. */
const shell = { user, envs: { HOME: '/nonexistent' } }

describe('commands', () => {
  it('gives back output and exit code', async () => {
    const result = await sandbox.commands.run('echo out; echo err >&2', shell)
    expect(result).toMatchObject({ stdout: 'out\n', stderr: 'err\n', exitCode: 0 })
    await expect(sandbox.commands.run('exit 7', shell)).rejects.toMatchObject({ exitCode: 7 })
  })

  it('keeps text whole that is larger than any chunk', async () => {
    const { stdout } = await sandbox.commands.run(`for i in $(seq 50000); do echo "$i ⛵"; done`, shell)
    expect(stdout).toBe(Array.from({ length: 50_000 }, (_, i) => `${i + 1} ⛵\n`).join(''))
  })

  it('sets environment, working directory and user', async () => {
    const { stdout } = await sandbox.commands.run('echo $GREETING; pwd; id -un; echo $HOME', {
      user: 'nobody',
      cwd: '/',
      envs: { GREETING: 'hello' },
    })
    expect(stdout).toBe('hello\n/\nnobody\n/nonexistent\n')
    await expect(sandbox.commands.run('true', { ...shell, cwd: '/no/such/folder' })).rejects.toThrow(
      InvalidArgumentError
    )
  })

  it('lists, writes to, and kills a process in the background', async () => {
    const seen: string[] = []
    const handle = await sandbox.commands.run('while read line; do echo "got $line"; done', {
      ...shell,
      background: true,
      stdin: true,
      onStdout: (text) => void seen.push(text),
    })
    expect((await sandbox.commands.list()).map(({ pid }) => pid)).toContain(handle.pid)
    await sandbox.commands.sendStdin(handle.pid, 'one\ntwo\n')
    await sandbox.commands.closeStdin(handle.pid)
    expect((await handle.wait()).stdout).toBe('got one\ngot two\n')
    expect(seen.join('')).toBe('got one\ngot two\n')
    expect(await sandbox.commands.kill(handle.pid)).toBe(false)

    const sleeper = await sandbox.commands.run('sleep 1000', { ...shell, background: true })
    expect(await sandbox.commands.kill(sleeper.pid)).toBe(true)
    await expect(sleeper.wait()).rejects.toThrow(CommandExitError)
  })

  it('lets a client leave and come back', async () => {
    const first = await sandbox.commands.run('read go; echo still here', { ...shell, background: true, stdin: true })
    await first.disconnect()
    const second = await sandbox.commands.connect(first.pid)
    await sandbox.commands.sendStdin(first.pid, 'go\n')
    expect((await second.wait()).stdout).toBe('still here\n')
  })

  it('kills what runs into its time limit', async () => {
    const running = async () => (await sandbox.commands.list()).some(({ args }) => args.includes('sleep 1000'))
    const limited = sandbox.commands.run('sleep 1000', { ...shell, timeoutMs: 500 })
    await expect(limited).rejects.toThrow(TimeoutError)
    // The client gives up on its own clock; the kill is the guest's.
    while (await running());
  })
})

describe('terminals', () => {
  it('has the size that was asked for, and takes input', async () => {
    let screen = ''
    const terminal = await sandbox.pty.create({
      cols: 91,
      rows: 33,
      ...shell,
      onData: (data) => {
        screen += Buffer.from(data)
      },
    })
    await sandbox.pty.resize(terminal.pid, { cols: 80, rows: 25 })
    await sandbox.pty.sendInput(terminal.pid, Buffer.from('stty size; exit 3\n'))
    await expect(terminal.wait()).rejects.toMatchObject({ exitCode: 3 })
    expect(screen).toContain('25 80')
  })
})

describe('files', () => {
  it('writes and reads text and bytes, of any name', async () => {
    for (const name of ['plain', 'with "quotes" and ⛵', 'deep/er/still']) {
      const file = path.join(folder, name)
      expect(await sandbox.files.write(file, `content of ${name}`, { user })).toMatchObject({
        path: file,
        name: path.basename(name),
      })
      expect(await sandbox.files.read(file, { user })).toBe(`content of ${name}`)
    }
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => i % 251)
    await sandbox.files.write(`${folder}/bytes`, bytes.buffer, { user })
    expect(Buffer.from(await sandbox.files.read(`${folder}/bytes`, { user, format: 'bytes' })).equals(bytes)).toBe(true)
    await sandbox.files.write(`${folder}/empty`, '', { user })
    expect(await sandbox.files.read(`${folder}/empty`, { user })).toBe('')
  })

  it('writes many at once, compressed, and as a stream', async () => {
    const many = [1, 2, 3].map((i) => ({ path: `${folder}/many-${i}`, data: `${i}` }))
    expect(await sandbox.files.write(many, { user })).toHaveLength(3)
    await sandbox.files.write(`${folder}/zipped`, 'z'.repeat(100_000), { user, gzip: true })
    expect(await sandbox.files.read(`${folder}/zipped`, { user, gzip: true })).toBe('z'.repeat(100_000))
    await sandbox.files.write(`${folder}/stream`, new Blob(['streamed']).stream(), { user })
    expect(await sandbox.files.read(`${folder}/stream`, { user })).toBe('streamed')
    const raw = await fetch(`${agent.url}/files?path=${folder}/raw&username=root`, {
      method: 'POST',
      headers: { 'content-encoding': 'gzip', 'content-type': 'application/octet-stream' },
      body: gzipSync('raw'),
    })
    expect(raw.status).toBe(200)
  })

  it('keeps metadata', async () => {
    await sandbox.files.write(`${folder}/tagged`, 'x', { user, metadata: { author: 'me' } })
    expect((await sandbox.files.getInfo(`${folder}/tagged`, { user })).metadata).toEqual({ author: 'me' })
  })

  it('makes, lists, moves and removes', async () => {
    const base = `${folder}/tree`
    expect(await sandbox.files.makeDir(`${base}/a/b`, { user })).toBe(true)
    expect(await sandbox.files.makeDir(`${base}/a/b`, { user })).toBe(false)
    await sandbox.files.write(`${base}/a/b/file`, 'x', { user })
    expect(await sandbox.files.list(base, { user })).toMatchObject([
      { name: 'a', type: FileType.DIR, path: `${base}/a` },
    ])
    expect((await sandbox.files.list(base, { user, depth: 3 })).map(({ path }) => path)).toEqual([
      `${base}/a`,
      `${base}/a/b`,
      `${base}/a/b/file`,
    ])
    expect(await sandbox.files.rename(`${base}/a`, `${base}/c`, { user })).toMatchObject({ path: `${base}/c` })
    expect(await sandbox.files.exists(`${base}/a`, { user })).toBe(false)
    await sandbox.files.remove(base, { user })
    expect(await sandbox.files.exists(base, { user })).toBe(false)
    await expect(sandbox.files.read(`${base}/a`, { user })).rejects.toThrow(FileNotFoundError)
    await expect(sandbox.files.list(base, { user })).rejects.toThrow(FileNotFoundError)
  })

  it('watches a folder with what is below', async () => {
    const base = `${folder}/watched`
    await sandbox.files.makeDir(`${base}/sub`, { user })
    const created = Promise.withResolvers<string>()
    const watch = await sandbox.files.watchDir(
      base,
      ({ type, name }) => {
        if (type === FilesystemEventType.CREATE) created.resolve(name)
      },
      { user, recursive: true }
    )
    await sandbox.files.write(`${base}/sub/file`, 'x', { user })
    expect(await created.promise).toBe('sub/file')
    await watch.stop()
  })
})
