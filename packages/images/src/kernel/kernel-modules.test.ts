import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dependencies, readKernelModules } from './kernel-modules.ts'

const never = new AbortController().signal
const modinfo = (...fields: string[]): Buffer =>
  Buffer.from(`\x7fELF junk\0${fields.map((field) => `${field}\0`).join('')}code`)

it('reads dependencies out of a module, soft ones too, in either spelling of a name', () => {
  const module = modinfo(
    'license=GPL',
    'depends=virtio-ring,virtio',
    'softdep=pre: crc32c sha-256 post: later',
    'name=x'
  )
  expect(dependencies(module)).toEqual({ depends: ['virtio_ring', 'virtio'], before: ['crc32c', 'sha_256'] })
  expect(dependencies(modinfo('depends='))).toEqual({ depends: [], before: [] })
})

describe('readKernelModules', () => {
  let root: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'bulkhead-kernel-'))
  })
  afterEach(() => rm(root, { recursive: true }))

  const place = async (path: string, content: Buffer | string) => {
    const file = join(root, 'lib/modules/6.1', path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, content)
  }

  it('orders modules after what they need, once each, and leaves out what is built in', async () => {
    await place('modules.builtin', 'kernel/fs/ext4/ext4.ko\nkernel/drivers/char/hw_random/rng-core.ko\n')
    await place('kernel/a/virtio.ko', modinfo('depends='))
    await place('kernel/a/virtio_ring.ko', modinfo('depends=virtio'))
    await place('kernel/b/virtio_pci.ko', modinfo('depends=virtio_ring,virtio'))
    await place('kernel/b/virtio_console.ko', modinfo('depends=virtio_ring'))
    await place('kernel/b/virtio_blk.ko', modinfo('depends='))
    await place('kernel/b/virtio-rng.ko', modinfo('depends=rng-core,virtio'))
    await place('kernel/c/libcrc32c.ko', modinfo('softdep=pre: crc32c'))
    await place('kernel/c/erofs.ko', modinfo('depends=libcrc32c'))
    await place('kernel/c/overlay.ko', modinfo('depends='))
    const modules = await readKernelModules(root, '6.1', never)
    expect(modules.map(({ file }) => file)).toEqual([
      'virtio.ko',
      'virtio_ring.ko',
      'virtio_pci.ko',
      'virtio_console.ko',
      'virtio_blk.ko',
      'virtio_rng.ko',
      'libcrc32c.ko',
      'erofs.ko',
      'overlay.ko',
    ])
  })

  it('fails on a kernel that lacks what a guest cannot do without', async () => {
    await place('modules.builtin', '')
    await place('kernel/x.ko', modinfo('depends='))
    await expect(readKernelModules(root, '6.1', never)).rejects.toThrow('virtio_pci')
  })
})
