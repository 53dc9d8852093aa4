/** What a guest that does not keep to the protocol cannot do: keep its client. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { exited, FakeGuest, printed, started } from '../testing/fake-guest.ts'
import { runProcess } from './run-process.ts'
import { startProcess } from './start-process.ts'

let guest: FakeGuest
beforeEach(() => {
  vi.useFakeTimers()
  guest = new FakeGuest()
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

/** How it has ended by now, if it has. */
function watch<Result>(promise: Promise<Result>): { result?: Result; error?: unknown } {
  const seen: { result?: Result; error?: unknown } = {}
  promise.then(
    (result) => Object.assign(seen, { result }),
    (error: unknown) => Object.assign(seen, { error })
  )
  return seen
}

const after = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const start = (options: Parameters<typeof startProcess>[2] = {}) => startProcess(guest.rpc, ['cmd'], options)
const enough = new Error('enough')
const timedOut = { kind: 'timed_out', afterMs: 1000 }

describe('an abort', () => {
  it('ends the wait for a start that never comes', async () => {
    const abort = new AbortController()
    const seen = watch(start({ signal: abort.signal }))
    await after(60_000)
    expect(seen).toEqual({})
    abort.abort(enough)
    await after(2000)
    expect(seen.error).toBe(enough)
    expect(guest.left).toBe(true)
  })

  it('kills what starts in spite of it', async () => {
    const abort = new AbortController()
    const seen = watch(start({ signal: abort.signal }))
    await after(0)
    abort.abort(enough)
    await after(1000)
    guest.say(started)
    await after(0)
    expect(guest.calls).toEqual(['Start', 'SendSignal'])
    guest.say({ case: 'end', value: { exitCode: -1, signal: 9 } })
    await after(0)
    expect(await seen.result?.exit).toMatchObject({ kind: 'signalled', number: 9 })
  })

  it.each([true, false])('ends the following of a process that does not end (kill answered: %s)', async (answers) => {
    const abort = new AbortController()
    guest.say(started)
    const handle = await start({ signal: abort.signal })
    guest.answers = answers
    const seen = watch(handle.exit)
    abort.abort(enough)
    await after(1999)
    expect(seen).toEqual({})
    await after(1)
    expect(seen.error).toBe(enough)
    expect(guest.calls).toEqual(['Start', 'SendSignal'])
    expect(guest.left).toBe(true)
  })

  it('ends it while a reader takes nothing, too', async () => {
    const abort = new AbortController()
    guest.say(started, printed('x'))
    const handle = await start({ signal: abort.signal, onStdout: () => new Promise(() => {}) })
    const seen = watch(handle.exit)
    abort.abort(enough)
    await after(2000)
    expect(seen.error).toBe(enough)
  })
})

describe('stop', () => {
  it.each([
    [true, 0],
    [false, 2000],
  ])('kills and leaves, at once or after a bound (kill answered: %s)', async (answers, ms) => {
    guest.say(started)
    const handle = await start()
    guest.answers = answers
    const seen = watch(handle.exit)
    const done = watch(handle.stop().then(() => 'done'))
    await after(ms)
    expect(done.result).toBe('done')
    expect(seen.error).toMatchObject({ code: 'connection_lost' })
    expect(guest.calls).toEqual(['Start', 'SendSignal'])
    expect(guest.left).toBe(true)
  })
})

describe('the time limit', () => {
  it('holds when the guest says nothing at all', async () => {
    const seen = watch(start({ timeoutMs: 1000 }))
    const run = watch(runProcess(guest.rpc, ['cmd'], { timeoutMs: 1000 }))
    await after(2999)
    expect([seen, run]).toEqual([{}, {}])
    await after(1)
    expect(seen.error).toMatchObject({ code: 'command_timed_out', facts: { command: 'cmd', timeoutMs: 1000 } })
    expect(run.result).toMatchObject({ exit: timedOut, truncated: false })
    expect(guest.left).toBe(true)
  })

  it.each([true, false])(
    'holds when the process does not end, and it is killed (kill answered: %s)',
    async (answers) => {
      guest.say(started, printed('x'))
      const run = watch(runProcess(guest.rpc, ['cmd'], { timeoutMs: 1000 }))
      await after(0)
      guest.answers = answers
      await after(2999)
      expect(run).toEqual({})
      expect(guest.calls).toEqual(['Start'])
      await after(1)
      expect(guest.calls).toEqual(['Start', 'SendSignal'])
      await after(2000)
      expect(run.result).toMatchObject({ exit: timedOut, stdout: new Uint8Array(Buffer.from('x')) })
      expect(guest.left).toBe(true)
    }
  )

  it('holds while the guest keeps on talking', async () => {
    guest.say(started)
    const run = watch(runProcess(guest.rpc, ['cmd'], { timeoutMs: 1000 }))
    for (let second = 0; second < 50; second += 1) {
      guest.say(printed('x'), { case: 'keepalive', value: {} })
      await after(100)
    }
    expect(run.result?.exit).toEqual(timedOut)
  })

  it('lets a slow reader have what was printed in time, and how it ended', async () => {
    let size = 0
    const onStdout = async (chunk: Uint8Array) => {
      await new Promise((resolve) => setTimeout(resolve, 5000))
      size += chunk.byteLength
    }
    for (let n = 0; n < 4; n += 1) guest.say(...(n === 0 ? [started] : []), printed(new Uint8Array(64 * 1024)))
    guest.say(exited(3))
    const handle = await start({ timeoutMs: 1000, onStdout })
    const seen = watch(handle.exit)
    await after(20_000)
    expect(seen.result).toEqual({ kind: 'exited', code: 3 })
    expect(size).toBe(4 * 64 * 1024)
  })

  it('lets no guest live on its slow reader', async () => {
    let size = 0
    const onStdout = async (chunk: Uint8Array) => {
      await new Promise((resolve) => setTimeout(resolve, 100))
      size += chunk.byteLength
      guest.say(printed(new Uint8Array(64 * 1024)))
    }
    guest.say(started, printed('x'))
    const handle = await start({ timeoutMs: 1000, onStdout })
    const seen = watch(handle.exit)
    await after(60_000)
    expect(seen.result).toEqual(timedOut)
    expect(size).toBeLessThan(8 * 1024 * 1024)
  })
})

it('input that the guest never takes does not outlast the process', async () => {
  guest.say(started)
  guest.answers = false
  const run = watch(runProcess(guest.rpc, ['cmd'], { input: 'x' }))
  await after(0)
  guest.say(exited(0))
  await after(0)
  expect(run.result?.exit).toEqual({ kind: 'exited', code: 0 })
})

it('output is given without the message it came in, and never empty', async () => {
  const chunks: Uint8Array[] = []
  const data = new Uint8Array(100_000)
  guest.say(started, printed('a'), printed(''), printed(data), printed('b'), exited(0))
  await (await start({ onStdout: (chunk) => void chunks.push(chunk) })).exit
  expect(chunks.map(({ byteLength }) => byteLength)).toEqual([1, 100_000, 1])
  for (const { buffer, byteLength } of chunks) expect(buffer.byteLength).toBeLessThanOrEqual(2 * byteLength)
})
