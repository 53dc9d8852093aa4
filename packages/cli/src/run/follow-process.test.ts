import { PassThrough, Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import type { ProcessExit } from '@bulkhead/sdk'
import { failure } from '@bulkhead/wire/errors'
import { expect, it } from 'vitest'
import { exitCodeOf, type FollowOptions, followProcess, type GuestProcess, type Sinks } from './follow-process.ts'
import { Capture, passThrough, ReaderGone } from './output-sink.ts'

/** A process whose output and end the test decides. */
function stage(): {
  sinks: Sinks
  end: (exit: ProcessExit) => void
  killed: unknown[]
  input: string[]
  start: FollowOptions<GuestProcess>['start']
} {
  const exit = Promise.withResolvers<ProcessExit>()
  const staged = {
    sinks: undefined as unknown as Sinks,
    end: exit.resolve,
    killed: [] as unknown[],
    input: [] as string[],
    start: async (sinks: Sinks): Promise<GuestProcess> => {
      staged.sinks = sinks
      return {
        exit: exit.promise,
        write: async (chunk) => void staged.input.push(String(chunk)) === undefined,
        closeStdin: async () => void staged.input.push('<EOF>'),
        stop: async () => void staged.killed.push('SIGKILL'),
      }
    },
  }
  return staged
}

const bytes = (text: string) => Buffer.from(text)
const live = new AbortController().signal
const silent = { write: () => undefined }
const follow = (
  staged: { start: FollowOptions<GuestProcess>['start'] },
  more: Partial<FollowOptions<GuestProcess>> = {}
) => followProcess({ start: staged.start, output: silent, input: undefined, signal: live, ...more })

it('keeps the streams apart and every byte', async () => {
  const staged = stage()
  const capture = new Capture(100)
  const followed = follow(staged, { output: capture })
  await turn()
  staged.sinks.onStdout(Uint8Array.of(0, 255, 10))
  staged.sinks.onStderr(bytes('ärger'))
  staged.end({ kind: 'exited', code: 42 })
  expect(exitCodeOf(await followed)).toBe(42)
  expect(capture.result('stdout')).toEqual({ base64: 'AP8K', truncated: false })
  expect(capture.result('stderr')).toEqual({ text: 'ärger', truncated: false })
})

it('says that captured output was cut', () => {
  const capture = new Capture(4)
  capture.write('stdout', bytes('abc'))
  capture.write('stdout', bytes('def'))
  expect(capture.result('stdout')).toEqual({ text: 'abcd', truncated: true })
})

it.each([
  [{ kind: 'signalled', signal: 'SIGSEGV', number: 11 }, 139],
  [{ kind: 'timed_out', afterMs: 5 }, 124],
] as [ProcessExit, number][])('%j is exit code %i', (exit, code) => expect(exitCodeOf(exit)).toBe(code))

it('holds the process back while the reader is slow', async () => {
  const staged = stage()
  const out = new PassThrough({ highWaterMark: 1 })
  using output = passThrough(out, new PassThrough())
  const followed = follow(staged, { output })
  await turn()
  let taken = false
  const written = Promise.resolve(staged.sinks.onStdout(bytes('more than fits'))).then(() => {
    taken = true
  })
  await turn()
  expect(taken).toBe(false)
  expect(String(out.read())).toBe('more than fits')
  await written
  staged.end({ kind: 'exited', code: 0 })
  await followed
})

it('kills the command and rejects with the reason when aborted', async () => {
  const staged = stage()
  const abort = new AbortController()
  const followed = follow(staged, { signal: abort.signal })
  await turn()
  abort.abort(new Error('twice Ctrl-C'))
  await expect(followed).rejects.toThrow('twice Ctrl-C')
  expect(staged.killed).toEqual(['SIGKILL'])
})

it('ends as timed out when the time was over before it ran', async () => {
  const start = async () => {
    throw failure('command_timed_out', { command: 'x', timeoutMs: 500 })
  }
  const exit = await follow({ start })
  expect(exit).toEqual({ kind: 'timed_out', afterMs: 500 })
  expect(exitCodeOf(exit)).toBe(124)
})

it('lets go of the input when it cannot be started', async () => {
  const input = new Readable({ read() {} })
  const start = async () => {
    throw new Error('no such command')
  }
  await expect(follow({ start }, { input })).rejects.toThrow('no such command')
  expect(input.destroyed).toBe(true)
})

it('kills the command when nobody reads its output any more', async () => {
  const staged = stage()
  const out = new PassThrough({ highWaterMark: 1 })
  using output = passThrough(out, new PassThrough())
  const followed = follow(staged, { output })
  await turn()
  Promise.resolve(staged.sinks.onStdout(bytes('more than fits'))).catch(() => {})
  out.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
  await expect(followed).rejects.toThrow(ReaderGone)
  expect(staged.killed).toEqual(['SIGKILL'])
})

it('sends input to its end, and lets go of input that nobody reads', async () => {
  const reader = stage()
  const read = follow(reader, { input: Readable.from([bytes('a'), bytes('b')]) })
  await turn()
  await turn()
  expect(reader.input).toEqual(['a', 'b', '<EOF>'])
  reader.end({ kind: 'exited', code: 0 })
  await read

  const deaf = stage()
  const endless = new Readable({ read() {} })
  const followed = follow(deaf, { input: endless })
  await turn()
  deaf.end({ kind: 'exited', code: 0 })
  await followed
  expect(endless.destroyed).toBe(true)
})
