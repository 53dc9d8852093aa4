import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectOnly, run, Scratch } from './support/scratch.ts'

/** The image that `setup` built: building it anew would cost minutes in every run. */
async function builtImage(): Promise<string> {
  const installation = process.env.BULKHEAD_TEST_INSTALLATION
  if (!installation) throw new Error('BULKHEAD_TEST_INSTALLATION must name an installation.json')
  return (JSON.parse(await readFile(installation, 'utf8')) as { rootImage: string }).rootImage
}

describe('the default image', () => {
  let scratch: Scratch
  let image: string
  let root: string
  beforeAll(async () => {
    scratch = await Scratch.make()
    image = await builtImage()
    root = await scratch.mount(image)
  })
  afterAll(() => scratch[Symbol.asyncDispose]())

  it.each([
    ['python3', '-c', 'import venv, ssl, sqlite3, json'],
    ['python3', '-m', 'pip', '--version'],
    ['node', '-e', 'process.exit(0)'],
    ['npm', '--version'],
    ['git', '--version'],
    ['curl', '--version'],
    ['ps', '--version'],
    ['bash', '-c', 'exit'],
  ])('runs %s %s', async (...command) => {
    const view = [
      '--unshare-all',
      '--uid',
      '1000',
      '--gid',
      '1000',
      '--ro-bind',
      root,
      '/',
      '--dev',
      '/dev',
      '--proc',
      '/proc',
    ]
    const env = ['--clearenv', '--setenv', 'PATH', '/usr/bin:/bin', '--setenv', 'HOME', '/tmp', '--tmpfs', '/tmp']
    await run('bwrap', [...view, ...env, '--', ...command])
  })

  it('has the user with uid 1000, a home of their own and sudo without a password', async () => {
    const passwd = await readFile(join(root, 'etc/passwd'), 'utf8')
    expect(passwd).toMatch(/^user:[^:]*:1000:1000:[^:]*:\/home\/user:\/bin\/bash$/m)
    const home = await stat(join(root, 'home/user'))
    expect([home.uid, home.gid]).toEqual([1000, 1000])
    const allowed = await run('chroot', [root, 'sudo', '-l', '-U', 'user'])
    expect(allowed.stdout).toMatch(/NOPASSWD: ALL/)
    expect((await stat(join(root, 'usr/bin/sudo'))).mode & 0o4000).toBe(0o4000)
  })

  it('can be mapped by both runtimes and read by any uid', async () => {
    const { stdout } = await run('dump.erofs', ['-s', image])
    expect(stdout).not.toMatch(/lz4|lzma|compr/)
    const file = await run('dump.erofs', ['--path=/etc/hostname', image])
    expect(file.stdout).toMatch(/Layout: 0 /)
    expect((await stat(image)).mode & 0o444).toBe(0o444)
  })
})

it('leaves nothing, and nothing running or mounted, of a build that is aborted', async () => {
  await using scratch = await Scratch.make()
  const store = scratch.store()
  const abort = new AbortController()
  const built = store.ensureDefault(({ step }) => {
    if (step === 'unpacking packages') abort.abort(new Error('Ctrl-C'))
  }, abort.signal)
  await expect(built).rejects.toThrow('Ctrl-C')
  await expectOnly(store, 0)
  expect(await readFile('/proc/mounts', 'utf8')).not.toContain(scratch.path)
})
