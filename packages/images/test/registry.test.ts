import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { writeLayout, writeMultiLayout } from './support/oci-layout.ts'
import { startRegistry } from './support/registry.ts'
import { expectOnly, never, run, Scratch, silent } from './support/scratch.ts'

// `htpasswd -nbB tester secret`; the registry takes bcrypt alone.
const login = { user: 'tester', password: 'secret' }
const htpasswd = 'tester:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n'

const push = (from: string, to: string, ...more: string[]) =>
  run('skopeo', ['copy', '--quiet', '--dest-tls-verify=false', ...more, from, `docker://${to}`])

describe('a registry', () => {
  it('gives an image by tag and by digest, once, under the digest it has there', async () => {
    await using scratch = await Scratch.make()
    const { address } = await startRegistry(scratch)
    const source = await scratch.folder('source')
    const manifest = await writeLayout(source, { layers: [[{ path: 'hello', content: 'world' }]] })
    await push(`oci:${source}:test`, `${address}/team/app:1.0`)
    const store = scratch.store()
    const steps = new Set<string>()
    const image = await store.pull(`${address}/team/app:1.0`, ({ step }) => steps.add(step), never)
    expect(image.digest).toBe(manifest.digest)
    expect([...steps]).toEqual(
      expect.arrayContaining(['downloading', 'checking layers', 'unpacking', 'packing', 'storing'])
    )
    expect(await readFile(join(await scratch.mount(image.path), 'hello'), 'utf8')).toBe('world')

    const again: string[] = []
    const byDigest = `docker://${address}/team/app@${manifest.digest}`
    const named = await store.pull(byDigest, ({ step }) => again.push(step), never)
    expect(again.filter((step) => step === 'downloading')).toEqual([])
    expect(named.names).toEqual([`${address}/team/app:1.0`, `${address}/team/app@${manifest.digest}`])
    expect((await store.resolve(manifest.digest.slice(0, 20))).digest).toBe(manifest.digest)
    expect((await store.resolve(byDigest)).digest).toBe(manifest.digest)
    await expectOnly(store, 1)
  })

  it("keeps Docker's own manifests under the digest that Docker shows", async () => {
    await using scratch = await Scratch.make()
    const { address } = await startRegistry(scratch)
    const source = await scratch.folder('source')
    await writeLayout(source, { layers: [[{ path: 'a', content: 'b' }]] })
    await push(`oci:${source}:test`, `${address}/app`, '--format', 'v2s2')
    const shown = await run('skopeo', [
      'inspect',
      '--tls-verify=false',
      '--format',
      '{{.Digest}}',
      `docker://${address}/app`,
    ])
    expect((await scratch.store().pull(`${address}/app`, silent, never)).digest).toBe(shown.stdout.trim())
  })

  it('moves the name when the tag has moved, and prunes what it left unless it is in use', async () => {
    await using scratch = await Scratch.make()
    const { address } = await startRegistry(scratch)
    const store = scratch.store()
    const reference = `${address}/app:latest`
    const digests: string[] = []
    for (const content of ['one', 'two']) {
      const source = await scratch.folder(content)
      await writeLayout(source, { layers: [[{ path: 'which', content }]] })
      await push(`oci:${source}:test`, reference)
      digests.push((await store.pull(reference, silent, never)).digest)
    }
    expect((await store.resolve(reference)).digest).toBe(digests[1])
    expect(await store.prune(new Set(digests))).toEqual([])
    expect((await store.prune(new Set())).map(({ digest }) => digest)).toEqual([digests[0]])
    await expectOnly(store, 1)
  })

  it('chooses this platform of several, and says which there are when it is not among them', async () => {
    await using scratch = await Scratch.make()
    const { address } = await startRegistry(scratch)
    const image = (architecture: string) => ({ layers: [[{ path: 'for', content: architecture }]], architecture })
    const both = await scratch.folder('both')
    await writeMultiLayout(both, [image('arm64'), image('amd64')])
    await push(`oci:${both}:test`, `${address}/both`, '--all')
    const other = await scratch.folder('other')
    await writeMultiLayout(other, [image('arm64'), image('riscv64')])
    await push(`oci:${other}:test`, `${address}/other`, '--all')
    const single = await scratch.folder('single')
    await writeLayout(single, image('arm64'))
    await push(`oci:${single}:test`, `${address}/single`)

    const store = scratch.store()
    const pulled = await store.pull(`${address}/both`, silent, never)
    expect(await readFile(join(await scratch.mount(pulled.path), 'for'), 'utf8')).toBe('amd64')
    await expect(store.pull(`${address}/other`, silent, never)).rejects.toMatchObject({
      code: 'image_platform_unavailable',
      facts: { wanted: 'linux/amd64', offered: 'linux/arm64, linux/riscv64' },
    })
    await expect(store.pull(`oci:${other}:test`, silent, never)).rejects.toMatchObject({
      code: 'image_platform_unavailable',
    })
    await expect(store.pull(`${address}/single`, silent, never)).rejects.toMatchObject({
      code: 'image_platform_unavailable',
      facts: { offered: 'linux/arm64' },
    })
    await expectOnly(store, 1)
  })

  it('tells apart what does not exist, what is not given out and what does not answer', async () => {
    await using scratch = await Scratch.make()
    const open = await startRegistry(scratch)
    const closed = await startRegistry(scratch, htpasswd)
    const store = scratch.store()
    const code = (reference: string) =>
      store.pull(reference, silent, never).then(
        () => 'pulled',
        (error: { code: string }) => error.code
      )
    expect(await code(`${open.address}/no/such`)).toBe('image_not_found')
    expect(await code(`${closed.address}/app`)).toBe('registry_unauthorized')
    // Not to be read out of the user's own words.
    expect(await code(`${open.address}/unauthorized`)).toBe('image_not_found')
    await open.stop()
    expect(await code(`${open.address}/no/such`)).toBe('registry_unavailable')
    await expectOnly(store, 0)
  })

  it("uses the user's docker credentials", async () => {
    await using scratch = await Scratch.make()
    const { address } = await startRegistry(scratch, htpasswd)
    const source = await scratch.folder('source')
    await writeLayout(source, { layers: [[{ path: 'a', content: 'b' }]] })
    await push(`oci:${source}:test`, `${address}/private`, `--dest-creds=${login.user}:${login.password}`)
    const authFile = scratch.join('auth.json')
    const auth = Buffer.from(`${login.user}:${login.password}`).toString('base64')
    await writeFile(authFile, JSON.stringify({ auths: { [address]: { auth } } }))
    process.env.REGISTRY_AUTH_FILE = authFile
    scratch.defer(async () => {
      delete process.env.REGISTRY_AUTH_FILE
    })
    expect((await scratch.store().pull(`${address}/private`, silent, never)).names).toEqual([`${address}/private`])
  })

  it('is found out when a layer is not what its digest says', async () => {
    await using scratch = await Scratch.make()
    const { address, storage } = await startRegistry(scratch)
    const source = await scratch.folder('source')
    const manifest = await writeLayout(source, { layers: [[{ path: 'a', content: 'b' }]] })
    await push(`oci:${source}:test`, `${address}/app`)
    const hex = manifest.layers[0]?.digest.slice(7) ?? ''
    const data = join(storage, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data')
    await writeFile(data, Buffer.alloc((await stat(data)).size, 'x'))
    const store = scratch.store()
    await expect(store.pull(`${address}/app`, silent, never)).rejects.toMatchObject({ code: 'image_digest_mismatch' })
    await expectOnly(store, 0)
  })
})

describe('references', () => {
  it.each([
    '',
    'Upper/Case',
    'a b',
    '../../etc/passwd',
    'x\ny',
    'x\0y',
    '🚢',
    '--help',
    '-v',
    'dir:/etc',
    'oci:relative',
    'docker-archive:',
    `longest/${'x'.repeat(255)}`,
    'x'.repeat(5000),
    'name@sha256:short',
  ])('refuses %.40j', async (reference) => {
    await using scratch = await Scratch.make()
    const store = scratch.store()
    await expect(store.pull(reference, silent, never)).rejects.toMatchObject({ code: 'image_reference_invalid' })
    await expectOnly(store, 0)
  })

  it('finds nothing behind a name that looks like a path', async () => {
    await using scratch = await Scratch.make()
    const store = scratch.store()
    for (const name of ['../names', 'sha256:..', '..', 'x\ny', 'x\0y', '🚢', 'a'.repeat(255)]) {
      await expect(store.resolve(name)).rejects.toMatchObject({ code: 'image_not_found' })
      await expect(store.remove(name, new Set())).rejects.toMatchObject({ code: 'image_not_found' })
    }
  })
})
