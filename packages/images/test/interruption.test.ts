import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import type { StoredImage } from '../src/index.ts'
import { writeLayout } from './support/oci-layout.ts'
import { expectOnly, never, Scratch, silent } from './support/scratch.ts'

/** Of several layers and many files, so that each step has something to be interrupted in. */
async function bigImage(scratch: Scratch): Promise<string> {
  const source = await scratch.folder('source')
  const files = (layer: number) =>
    Array.from({ length: 300 }, (_, index) => ({
      path: `l${layer}/f${index}`,
      content: `${layer}${index}`.repeat(500),
    }))
  await writeLayout(source, { layers: [files(1), files(2)] })
  return `oci:${source}:test`
}

const steps = ['downloading', 'checking layers', 'unpacking', 'packing', 'storing']

describe('a pull that does not come to its end', () => {
  it.each(steps)('leaves nothing when it is aborted while %s, and the next one works', async (step) => {
    await using scratch = await Scratch.make()
    const reference = await bigImage(scratch)
    const store = scratch.store()
    const abort = new AbortController()
    const reason = new Error('Ctrl-C')
    const pulled = store.pull(reference, (event) => event.step === step && abort.abort(reason), abort.signal)
    await expect(pulled).rejects.toBe(reason)
    await expectOnly(store, 0)
    await store.pull(reference, silent, never)
    await expectOnly(store, 1)
  })

  it.each(steps)('leaves only what the next start sweeps when its process is killed while %s', async (step) => {
    await using scratch = await Scratch.make()
    const reference = await bigImage(scratch)
    const child = spawn(
      process.execPath,
      ['--input-type=module-typescript', '-e', puller, scratch.join('store'), reference],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        cwd: import.meta.dirname,
      }
    )
    for await (const line of createInterface({ input: child.stdout })) if (line === step) break
    child.kill('SIGKILL')
    await once(child, 'exit')
    const store = scratch.store()
    const seen = await store.list()
    expect(seen.length).toBeLessThanOrEqual(step === 'storing' ? 1 : 0)
    await store.sweep()
    await expectOnly(store, seen.length)
    await store.pull(reference, silent, never)
    await expectOnly(store, 1)
  })

  it('does not sweep what a living process is making', async () => {
    await using scratch = await Scratch.make()
    const reference = await bigImage(scratch)
    const store = scratch.store()
    let swept: Promise<void> | undefined
    const image = await store.pull(
      reference,
      ({ step }) => {
        if (step === 'packing') swept ??= scratch.store().sweep()
      },
      never
    )
    await swept
    expect((await store.resolve(reference)).digest).toBe(image.digest)
    await expectOnly(store, 1)
  })
})

describe('several pulls of one image at once', () => {
  it('share the work in one process, and it goes on when one of them leaves', async () => {
    await using scratch = await Scratch.make()
    const reference = await bigImage(scratch)
    const store = scratch.store()
    const leaving = new AbortController()
    let folders = 0
    const stays = store.pull(
      reference,
      async ({ step }) => {
        if (step !== 'unpacking') return
        leaving.abort(new Error('left'))
        folders = Math.max(folders, (await readdir(store.layout.work)).length)
      },
      never
    )
    await expect(store.pull(reference, silent, leaving.signal)).rejects.toThrow('left')
    await stays
    expect(folders).toBe(1)
    await expectOnly(store, 1)
  })

  it('of two processes both end well, with one image', async () => {
    await using scratch = await Scratch.make()
    const reference = await bigImage(scratch)
    const [one, two] = [scratch.store(), scratch.store()]
    const images: StoredImage[] = await Promise.all([
      one.pull(reference, silent, never),
      two.pull(reference, silent, never),
    ])
    expect(images[0]?.digest).toBe(images[1]?.digest)
    await expectOnly(one, 1)
  })
})

const puller = `
import { ImageStore } from '../src/index.ts'
const [folder, reference] = process.argv.slice(1)
await new ImageStore(folder).pull(reference, ({ step }) => process.stdout.write(step + '\\n'), new AbortController().signal)
`
