import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CgroupParent } from '../confine/cgroup.ts'
import { identifyProcess } from '../confine/process-identity.ts'
import { removeTree } from '../confine/remove-tree.ts'
import { sweepEach } from '../confine/sweep-each.ts'
import { HolderControl } from './holder-control.ts'
import { idOfRunName, RunFolder, runName } from './run-folder.ts'

/** How long a holder may take to say which process it holds, and to end when that has ended. */
const holderTimeoutMs = 5000

/** Ends and removes what is left of gVisor kernels that are not in `keep`: processes, cgroup, run folder. Returns their ids. Fails `SweepIncomplete`. */
export async function sweepGvisor(
  runRoot: string,
  cgroups: CgroupParent,
  keep: ReadonlySet<string>
): Promise<string[]> {
  const names = [...(await namesIn(runRoot)), ...(await cgroups.list())]
  const ids = new Set(names.map(idOfRunName).filter((id) => id !== undefined))
  const swept = await sweepEach(ids.difference(keep), async (id) => {
    const folder = new RunFolder(runRoot, id)
    using control = await holderOf(folder)
    const cgroup = await cgroups.find(runName(id))
    if (cgroup) await cgroup.remove()
    // Without a cgroup the holder knows what to end.
    else if (control && (await identifyProcess(control.pid))) process.kill(control.pid, 'SIGKILL')
    if (control) await Promise.race([control.gone, sleep(holderTimeoutMs, undefined, { ref: false })])
    await removeTree(folder.path)
  })
  await cgroups.removeIfEmpty()
  return swept
}

/** Undefined where none answers: nothing is held any more. */
async function holderOf(folder: RunFolder): Promise<HolderControl | undefined> {
  try {
    return await HolderControl.connect(folder.controlSocket, AbortSignal.timeout(holderTimeoutMs))
  } catch {
    return undefined
  }
}

const namesIn = (path: string): Promise<string[]> =>
  readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
