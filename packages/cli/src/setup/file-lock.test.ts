import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { lockFile } from './file-lock.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-lock-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const live = new AbortController().signal

it('lets one in at a time, in whatever order they come', async () => {
  const path = join(folder, 'lock')
  let inside = 0
  const enter = async () => {
    await using _lock = await lockFile(path, live)
    expect(++inside).toBe(1)
    await new Promise((resolve) => setImmediate(resolve))
    inside--
  }
  await Promise.all([enter(), enter(), enter()])
})

it('is free again when its holder is killed', async () => {
  const path = join(folder, 'lock')
  const script = `const { lockFile } = await import(${JSON.stringify(new URL('./file-lock.ts', import.meta.url).href)})
    await lockFile(${JSON.stringify(path)}, new AbortController().signal); console.log('held'); setInterval(() => {}, 1000)`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(holder.stdout, 'data')
  const waiting = lockFile(path, live)
  expect(await Promise.race([waiting.then(() => 'in'), Promise.resolve('out')])).toBe('out')
  holder.kill('SIGKILL')
  await (await waiting)[Symbol.asyncDispose]()
})

it('stops waiting when aborted, and survives an abort once it is held', async () => {
  const path = join(folder, 'lock')
  const abort = new AbortController()
  const held = await lockFile(path, abort.signal)
  const impatient = new AbortController()
  const waiting = lockFile(path, impatient.signal)
  impatient.abort(new Error('no longer'))
  await expect(waiting).rejects.toThrow('no longer')
  abort.abort()
  const next = lockFile(path, live)
  expect(await Promise.race([next.then(() => 'in'), Promise.resolve('out')])).toBe('out')
  await held[Symbol.asyncDispose]()
  await (await next)[Symbol.asyncDispose]()
})

it('says so when the place cannot be written', async () => {
  await expect(lockFile(join(folder, 'no', 'such'), live)).rejects.toMatchObject({ code: 'state_unusable' })
})
