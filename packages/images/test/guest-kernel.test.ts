import { readdir, readFile, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { expect, it } from 'vitest'
import { type GuestKernel, guestKernel } from '../src/index.ts'
import { never, Scratch } from './support/scratch.ts'

it('fetches the guest kernel once, with all that QEMU guests load, in an order that works', async () => {
  await using scratch = await Scratch.make()
  const store = scratch.store()
  const steps: string[] = []
  const kernel = await guestKernel(store, { arch: 'amd64' }, ({ step }) => steps.push(step), never)
  expect(kernel.release).toMatch(/^\d+\.\d+.*-cloud-amd64$/)
  // The boot protocol's magic (Documentation/arch/x86/boot.rst).
  expect((await readFile(kernel.image)).toString('latin1', 0x202, 0x206)).toBe('HdrS')
  await expectOrdered(kernel)
  expect(steps.length).toBeGreaterThan(2)

  const again: string[] = []
  expect(await guestKernel(store, { arch: 'amd64' }, ({ step }) => again.push(step), never)).toEqual(kernel)
  expect(again).toEqual([])

  await rm(kernel.image)
  expect(await guestKernel(store, { arch: 'amd64' }, () => {}, never)).toEqual(kernel)
  expect((await readFile(kernel.image)).toString('latin1', 0x202, 0x206)).toBe('HdrS')
  expect(await readdir(store.layout.work)).toEqual([])
})

async function expectOrdered(kernel: GuestKernel): Promise<void> {
  const files = kernel.modules.map((path) => basename(path))
  expect(files).toEqual(
    expect.arrayContaining(['virtio_pci.ko', 'virtio_console.ko', 'virtio_blk.ko', 'erofs.ko', 'overlay.ko'])
  )
  for (const [index, path] of kernel.modules.entries()) {
    const content = await readFile(path)
    expect(content.toString('latin1', 0, 4)).toBe('\x7fELF')
    const depends = /\0depends=([^\0]*)\0/.exec(content.toString('latin1'))?.[1] ?? ''
    for (const name of depends.split(',').filter(Boolean))
      expect(files.slice(0, index)).toContain(`${name.replaceAll('-', '_')}.ko`)
  }
}
