import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CgroupParent } from '../../src/confine/cgroup.ts'

/**
 * Everything of these places on this host that still bears a kernel's id: folders, cgroups, processes (by command line, environment or cgroup).
 * The places count because an id such as a probe's is not this test's alone.
 */
export async function leftovers(id: string, places: { runRoot: string; cgroupRoot: string }): Promise<string[]> {
  const folders = (await list(places.runRoot)).filter((name) => name.includes(id)).map((name) => `folder ${name}`)
  const parent = await CgroupParent.open(places.cgroupRoot)
  const cgroups = (await parent.list()).filter((name) => name.includes(id)).map((name) => `cgroup ${name}`)
  return [...folders, ...cgroups, ...(await processesOf(id, [places.runRoot, places.cgroupRoot]))]
}

async function processesOf(id: string, places: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const pid of (await list('/proc')).filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue
    const texts = await Promise.all(
      ['cmdline', 'environ', 'cgroup', 'comm'].map((file) => read(join('/proc', pid, file)))
    )
    const seen = texts.slice(0, 3).join('\n')
    if (seen.includes(id) && places.some((place) => seen.includes(place)))
      found.push(`process ${pid} (${texts[3]?.trim()})`)
  }
  return found
}

const list = (path: string) => readdir(path).catch(() => [])
// A process may end between the list and the look.
const read = (path: string) => readFile(path, 'latin1').catch(() => '')
