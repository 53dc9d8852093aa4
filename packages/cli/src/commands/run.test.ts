/** What a guest can do to the one who runs something in it: the real command line, a real socket, and an agent that does not keep to the protocol. */
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, type TestContext } from 'vitest'
import { FakeServer, type GuestCalls } from '../testing/fake-server.ts'
import { isFile, isFolder, printed, runs, say, started } from '../testing/guest-answers.ts'
import { tarOf } from '../testing/tar-of.ts'

type Finished = TestContext['onTestFinished']

/** Gone with the test, also with one that hangs. */
async function start(onTestFinished: Finished): Promise<FakeServer> {
  const server = await FakeServer.start()
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

// Each waits for bounds of a few seconds: side by side.
describe.concurrent('a silent guest', { timeout: 60_000 }, () => {
  it.for(['SIGINT', 'SIGTERM'] as const)(
    'does not outlast %s before the command runs',
    async (name, { onTestFinished }) => {
      const server = await start(onTestFinished)
      const { child, ended } = server.run('run', '--', 'x')
      await server.called('Start')
      child.kill(name)
      expect((await ended).code).toBe(name === 'SIGINT' ? 130 : 143)
      expect(server.calls).toEqual(['CREATE', 'Start', 'DELETE'])
    }
  )

  it.for([1, 2])(
    'does not outlast SIGINT, sent %i times, that the command does not get',
    async (times, { onTestFinished }) => {
      const server = await start(onTestFinished)
      server.guest = { Start: (response) => say(response, started, printed('ready')) }
      const { child, ended } = server.run('run', '--', 'x')
      await once(child.stdout, 'data')
      child.kill('SIGINT')
      await server.called('SendSignal')
      if (times === 2) child.kill('SIGINT')
      expect((await ended).code).toBe(130)
      expect(server.calls.at(-1)).toBe('DELETE')
    }
  )

  it.for([
    ['at all', {}],
    ['after the start', { Start: (response) => say(response, started) }],
  ] as [string, GuestCalls][])(
    'does not outlast --timeout when it says nothing %s',
    async ([, guest], { onTestFinished }) => {
      const server = await start(onTestFinished)
      server.guest = guest
      const { code, stdout } = await server.run('run', '--timeout', '100ms', '--json', '--', 'x').ended
      expect(code).toBe(124)
      expect(JSON.parse(stdout)).toMatchObject({ exitCode: 124, exit: { kind: 'timed_out', afterMs: 100 } })
      expect(server.calls.at(-1)).toBe('DELETE')
    }
  )

  it('does not keep a signal once the command has ended', async ({ onTestFinished }) => {
    const server = await start(onTestFinished)
    server.guest = { Start: runs(0) }
    const { child, ended } = server.run('run', '--out', 'x', '--', 'x')
    await server.called('Stat')
    child.kill('SIGTERM')
    expect((await ended).code).toBe(143)
    expect(server.calls).not.toContain('SendSignal')
    expect(server.calls.at(-1)).toBe('DELETE')
  })
})

describe('--out', { timeout: 60_000 }, () => {
  const archive = (...entries: Parameters<typeof tarOf>) => ({
    tree: (response: { end(data: Buffer): void }) => response.end(tarOf(...entries)),
  })

  it('gives no other file of the current folder away', async ({ onTestFinished }) => {
    const server = await start(onTestFinished)
    writeFileSync(join(server.work, '.profile'), 'mine')
    server.guest = { Start: runs(0), Stat: isFile, ...archive({ path: '.profile', content: 'evil' }) }
    const { code, stderr } = await server.run('run', '--out', 'result', '--', 'x').ended
    expect(code).toBe(125)
    expect(stderr).toContain('guest_answer_invalid')
    expect(readdirSync(server.work)).toEqual(['.profile'])
    expect(readFileSync(join(server.work, '.profile'), 'utf8')).toBe('mine')
  })

  it('takes a folder that was asked for', async ({ onTestFinished }) => {
    const server = await start(onTestFinished)
    server.guest = { Start: runs(0), Stat: isFolder, ...archive({ path: 'f', content: 'x' }) }
    expect((await server.run('run', '--out', 'dist/', '--', 'x').ended).code).toBe(0)
    expect(readFileSync(join(server.work, 'dist/f'), 'utf8')).toBe('x')
    expect(readdirSync(server.work)).toEqual(['dist'])
  })

  it.for([
    [0, 125],
    [7, 7],
  ] as const)(
    'that fails is told; exit code %i of the command becomes %i, and the rest is done',
    async ([its, ours], { onTestFinished }) => {
      const server = await start(onTestFinished)
      server.guest = { Start: runs(its), Stat: isFile, ...archive({ path: 'good', content: 'x' }) }
      const { code, stdout, stderr } = await server.run('run', '--json', '--out', 'bad', '--out', 'good', '--', 'x')
        .ended
      expect(code).toBe(ours)
      expect(stderr).toContain('--out bad')
      expect(JSON.parse(stdout)).toMatchObject({ exitCode: its, stdout: { text: 'out' } })
      expect(readFileSync(join(server.work, 'good'), 'utf8')).toBe('x')
      expect(server.calls.at(-1)).toBe('DELETE')
    }
  )
})
