import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sha256, writeLayout } from './support/oci-layout.ts'
import { expectOnly, never, run, Scratch, silent } from './support/scratch.ts'
import { modifiedSeconds, type TarEntry } from './support/tar-layer.ts'

const file = (path: string, more: Partial<TarEntry> = {}): TarEntry => ({ path, content: path, ...more })
const folder = (path: string): TarEntry => ({ path, type: 'Directory' })

describe('an OCI layout becomes a file system', () => {
  it('applies whiteouts, also opaque ones, layer by layer', async () => {
    await using scratch = await Scratch.make()
    const source = await scratch.folder('source')
    await writeLayout(source, {
      layers: [
        [
          folder('etc'),
          file('etc/kept'),
          file('etc/removed'),
          folder('cache'),
          file('cache/old'),
          folder('gone'),
          file('gone/x'),
        ],
        [file('etc/.wh.removed'), file('cache/.wh..wh..opq'), file('cache/new'), file('.wh.gone')],
      ],
    })
    const store = scratch.store()
    const image = await store.pull(`oci:${source}:test`, silent, never)
    const root = await scratch.mount(image.path)
    const { stdout } = await run('find', ['.', '-type', 'f', '-printf', '%P\n'], { cwd: root })
    expect(stdout.trim().split('\n').sort()).toEqual(['cache/new', 'etc/kept'])
    await expectOnly(store, 1)
  })

  it('keeps ownership, setuid, xattrs, hard links, device nodes and times', async () => {
    await using scratch = await Scratch.make()
    const source = await scratch.folder('source')
    // VFS_CAP_REVISION_2 with the effective bit, permitted cap_net_raw (include/uapi/linux/capability.h).
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex')
    await writeLayout(source, {
      layers: [
        [
          file('suid', { mode: 0o4755, uid: 12345, gid: 54321 }),
          file('capable', {
            mode: 0o755,
            xattrs: { 'security.capability': capability, 'user.note': Buffer.from('hi') },
          }),
          { path: 'again', type: 'Link', linkpath: 'suid' },
          { path: 'absolute', type: 'SymbolicLink', linkpath: '/etc/shadow' },
          { path: 'null', type: 'CharacterDevice', device: [1, 3], mode: 0o666 },
          file('unreadable', { mode: 0 }),
          file('x'.repeat(254)),
          file('naïve 🚢'),
        ],
      ],
    })
    const image = await scratch.store().pull(`oci:${source}:test`, silent, never)
    const root = await scratch.mount(image.path)
    const suid = await stat(join(root, 'suid'))
    expect([suid.mode & 0o7777, suid.uid, suid.gid]).toEqual([0o4755, 12345, 54321])
    expect(Math.floor(suid.mtimeMs / 1000)).toBe(modifiedSeconds)
    expect((await stat(join(root, 'again'))).ino).toBe(suid.ino)
    const attributes = await run('python3', ['-c', readAttributes, join(root, 'capable')])
    expect(attributes.stdout.trim()).toBe(`${capability.toString('hex')} hi`)
    const device = await stat(join(root, 'null'))
    expect([device.isCharacterDevice(), device.rdev]).toEqual([true, 0x103])
    expect(await readFile(join(root, 'naïve 🚢'), 'utf8')).toBe('naïve 🚢')
    expect((await stat(join(root, 'x'.repeat(254)))).isFile()).toBe(true)
  })

  it('gives the same bytes for the same image, in files every uid may read and none may write', async () => {
    await using scratch = await Scratch.make()
    const source = await scratch.folder('source')
    // No entry for `a` and `a/b`: unpacking makes them, at a time of its own.
    await writeLayout(source, { layers: [[file('a/b/c'), file('d')]] })
    const images = []
    for (const name of ['one', 'two']) images.push(await scratch.store(name).pull(`oci:${source}:test`, silent, never))
    const [one, two] = await Promise.all(images.map(async ({ path }) => sha256(await readFile(path))))
    expect(one).toBe(two)
    expect((await stat(images[0]?.path ?? '')).mode & 0o777).toBe(0o444)
  })

  it('takes an image with nothing in it, and hands on what the image says of its processes', async () => {
    await using scratch = await Scratch.make()
    const source = await scratch.folder('source')
    const config = { Env: ['A=b=c', 'EMPTY='], User: '12:34', WorkingDir: '/srv', Entrypoint: ['/run'], Cmd: ['-x'] }
    const manifest = await writeLayout(source, { layers: [Buffer.alloc(1024)], config })
    const image = await scratch.store().pull(`oci:${source}:test`, silent, never)
    expect(image.digest).toBe(manifest.digest)
    expect(image.config).toEqual({
      env: { A: 'b=c', EMPTY: '' },
      user: '12:34',
      workdir: '/srv',
      entrypoint: ['/run'],
      cmd: ['-x'],
    })
  })

  it('can be mapped: neither compressed nor with inline data', async () => {
    await using scratch = await Scratch.make()
    const source = await scratch.folder('source')
    await writeLayout(source, { layers: [[file('small')]] })
    const image = await scratch.store().pull(`oci:${source}:test`, silent, never)
    const { stdout } = await run('dump.erofs', ['--path=/small', image.path])
    // Layout 0: EROFS_INODE_FLAT_PLAIN.
    expect(stdout).toMatch(/Layout: 0 .*Compression ratio: 100.00%/)
  })
})

const readAttributes = `import os,sys
f=sys.argv[1]
print(os.getxattr(f,'security.capability').hex(), os.getxattr(f,'user.note').decode())`
