import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HolderControl } from './holder-control.ts'

describe('HolderControl', () => {
  let folder: string
  let server: Server
  let path: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bh-'))
    path = join(folder, 'control')
    server = createServer()
    server.listen(path)
    await once(server, 'listening')
  })
  afterEach(async () => {
    server.close()
    await rm(folder, { recursive: true })
  })

  /** A holder that says this at once; returns both ends. */
  async function held(words: string) {
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const control = HolderControl.connect(path, AbortSignal.timeout(10_000))
    control.catch(() => {})
    const [holder] = await accepted
    holder.on('error', () => {})
    holder.write(words)
    return { control, holder }
  }

  it('knows the pid, and how it ended', async () => {
    const { control, holder } = await held('{"pid":42}\n')
    expect((await control).pid).toBe(42)
    holder.end('{"exitCode":7}\n')
    expect(await (await control).ended).toEqual({ kind: 'exited', code: 7 })
  })

  it('takes both lines in one, and in pieces', async () => {
    const { control, holder } = await held('{"pi')
    await turn()
    holder.end('d":42}\n{"signal":"SIGKILL"}\n')
    expect((await control).pid).toBe(42)
    expect(await (await control).ended).toEqual({ kind: 'signalled', signal: 'SIGKILL' })
  })

  it('calls it lost when the holder goes without a word', async () => {
    const { control, holder } = await held('{"pid":42}\n')
    await control
    holder.destroy()
    expect(await (await control).ended).toEqual({ kind: 'lost' })
  })

  it('rejects when the holder goes before its first word', async () => {
    const { control, holder } = await held('')
    holder.destroy()
    await expect(control).rejects.toThrow('before it had started')
  })

  it.each(['nonsense\n', '[]\n', 'null\n', '{"pid":"42"}\n', '7\n'])('is not impressed by %j', async (words) => {
    const { control, holder } = await held(words)
    holder.write('{"pid":42}\n')
    expect((await control).pid).toBe(42)
    holder.destroy()
  })

  it('does not take its own leaving for the end', async () => {
    const { control } = await held('{"pid":42}\n')
    const connected = await control
    let ended = false
    connected.ended.then(() => {
      ended = true
    })
    connected[Symbol.dispose]()
    await turn()
    await turn()
    expect(ended).toBe(false)
  })

  it('rejects with the reason of an abort, and with ENOENT where no holder is', async () => {
    const reason = new Error('enough')
    await expect(HolderControl.connect(path, AbortSignal.abort(reason))).rejects.toBe(reason)
    await expect(HolderControl.connect(join(folder, 'other'), AbortSignal.timeout(10_000))).rejects.toMatchObject({
      code: 'ENOENT',
    })
  })
})
