import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bundle, nodeFlags, operatorArchive } from '../../tools/operator/image.ts'

const run = promisify(execFile)
const root = path.resolve(import.meta.dirname, '../..')
const minute = 60_000
/** What is in the image decides here, not what its programs do. */
const bundle: Bundle = async (folder) => {
  for (const name of ['operator.mjs', 'router.mjs', 'witness.mjs'])
    await writeFile(path.join(folder, name), `console.log('${name}')`)
}
const make = () =>
  operatorArchive({ name: 'bulkhead.test/x:1', version: '1', root, bundle }, AbortSignal.timeout(minute))

describe.skipIf(process.getuid?.() !== 0)('the operator’s image', () => {
  let folder: string
  let archive: Buffer
  beforeAll(async () => {
    folder = await mkdtemp('/var/tmp/bulkhead-image-')
    archive = await make()
    await writeFile(path.join(folder, 'image.tar'), archive)
    await run('skopeo', ['copy', 'oci-archive:image.tar', 'dir:layers'], { cwd: folder })
    const manifest = JSON.parse((await run('skopeo', ['inspect', '--raw', 'dir:layers'], { cwd: folder })).stdout)
    await run('mkdir', ['root'], { cwd: folder })
    for (const { digest } of manifest.layers)
      await run('tar', ['-xf', `layers/${digest.slice('sha256:'.length)}`, '-C', 'root'], { cwd: folder })
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const inside = (...command: string[]) =>
    run('chroot', ['--userspec=65532:65532', path.join(folder, 'root'), ...command])

  it('is the same for the same sources', async () => {
    expect((await make()).equals(archive)).toBe(true)
  })

  it('has all that Node needs', async () => {
    expect((await inside('/usr/bin/node', '/app/operator.mjs')).stdout).toBe('operator.mjs\n')
    const addressOf = "require('node:tls').rootCertificates.length > 100 && require('node:os').userInfo().username"
    expect((await inside('/usr/bin/node', '-p', addressOf)).stdout).toBe('nonroot\n')
  })

  it('has one program, and names the packages that its files come from', async () => {
    expect(await readdir(path.join(folder, 'root/usr/bin'))).toEqual(['node'])
    const packages = await readdir(path.join(folder, 'root/var/lib/dpkg/status.d'))
    expect(packages).toEqual(expect.arrayContaining(['ca-certificates', 'libc6', 'libstdc++6']))
  })

  it('says how it is started, and as whom', async () => {
    const { stdout } = await run('skopeo', ['inspect', '--config', 'oci-archive:image.tar'], { cwd: folder })
    expect(JSON.parse(stdout)).toMatchObject({
      os: 'linux',
      architecture: 'amd64',
      config: { User: '65532:65532', Entrypoint: ['/usr/bin/node', ...nodeFlags, '/app/operator.mjs'] },
    })
  })
})
