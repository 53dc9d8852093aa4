import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { findCgroupMounts } from './cgroup-mounts.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cgroups-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

/** Writes a /proc/self/mountinfo of these mounts below `root`. */
async function mountInfo(...mounts: readonly { name: string; type: string; options: string }[]): Promise<string> {
  const lines = await Promise.all(
    mounts.map(async ({ name, type, options }, index) => {
      const target = join(root, name)
      await mkdir(target, { recursive: true })
      return `${30 + index} 25 0:${index} / ${target} rw,nosuid shared:${index} - ${type} ${type} ${options}`
    })
  )
  const file = join(root, 'mountinfo')
  await writeFile(file, `${lines.join('\n')}\n`)
  return file
}

it('takes version 1 where memory is there, also beside an empty version 2', async () => {
  const file = await mountInfo(
    { name: 'unified', type: 'cgroup2', options: 'rw' },
    { name: 'memory', type: 'cgroup', options: 'rw,memory' },
    { name: 'cpu', type: 'cgroup', options: 'rw,cpu,cpuacct' }
  )
  const found = await findCgroupMounts(file)
  expect(found).toEqual({
    version: 1,
    roots: new Map([
      ['memory', join(root, 'memory')],
      ['cpu', join(root, 'cpu')],
      ['cpuacct', join(root, 'cpu')],
    ]),
  })
})

it('takes version 2 with what it offers', async () => {
  const file = await mountInfo({ name: 'cgroup', type: 'cgroup2', options: 'rw,nsdelegate' })
  await writeFile(join(root, 'cgroup', 'cgroup.controllers'), 'cpuset cpu io memory hugetlb pids\n')
  expect(await findCgroupMounts(file)).toEqual({
    version: 2,
    root: join(root, 'cgroup'),
    controllers: ['memory', 'cpu', 'pids'],
  })
})

it('says why there are none', async () => {
  expect(await findCgroupMounts(await mountInfo())).toMatchObject({
    version: undefined,
    reason: expect.stringContaining('no cgroup'),
  })
  const file = await mountInfo({ name: 'cgroup', type: 'cgroup2', options: 'rw' })
  await writeFile(join(root, 'cgroup', 'cgroup.controllers'), 'cpu pids\n')
  expect(await findCgroupMounts(file)).toMatchObject({ version: undefined, reason: expect.stringContaining('memory') })
})

it.skipIf(process.getuid?.() === 0)('takes nothing it cannot write to (root can write everywhere)', async () => {
  const file = await mountInfo({ name: 'cgroup', type: 'cgroup2', options: 'rw' })
  await chmod(join(root, 'cgroup'), 0o555)
  expect(await findCgroupMounts(file)).toMatchObject({ version: undefined })
})
