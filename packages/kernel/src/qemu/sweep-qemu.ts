import { readFile } from 'node:fs/promises'
import type { CgroupParent } from '../confine/cgroup.ts'
import { sweepEach } from '../confine/sweep-each.ts'
import { RunFolder } from './run-folder.ts'
import { kernelMarker } from './vmm.ts'
import { readVmmStatus } from './vmm-status.ts'

export interface SweepPlaces {
  readonly runRoot: string
  readonly cgroups: CgroupParent
  /** Before each id, in the names of folders and cgroups. */
  readonly prefix: string
}

/** Ends and removes what belongs to no id in `keep`: left by a server that died. Returns the ids. Fails `SweepIncomplete`. */
export async function sweepQemu(places: SweepPlaces, keep: ReadonlySet<string>): Promise<string[]> {
  const { runRoot, cgroups, prefix } = places
  const names = [...(await RunFolder.list(runRoot)), ...(await cgroups.list())]
  const ids = new Set(names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)))
  const swept = await sweepEach(ids.difference(keep), async (id) => {
    const name = prefix + id
    const folder = new RunFolder(runRoot, name)
    await endByMarker(folder)
    await (await cgroups.find(name))?.remove()
    await folder.remove()
  })
  await cgroups.removeIfEmpty()
  return swept
}

/** Where there is no cgroup: the pid that was noted may be another's by now, so its environment must name the folder. */
async function endByMarker(folder: RunFolder): Promise<void> {
  const { pid } = await readVmmStatus(folder.status)
  if (pid === undefined) return
  try {
    const environment = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0')
    if (environment.includes(`${kernelMarker}=${folder.path}`)) process.kill(pid, 'SIGKILL')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ESRCH' && code !== 'EACCES') throw error
  }
}
