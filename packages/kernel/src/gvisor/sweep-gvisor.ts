import { readdir } from 'node:fs/promises'
import type { CgroupParent } from '../confine/cgroup.ts'
import { identifyProcess } from '../confine/process-identity.ts'
import { removeTree } from '../confine/remove-tree.ts'
import { sweepEach } from '../confine/sweep-each.ts'
import { HolderControl } from './holder-control.ts'
import { idOfRunName, RunFolder, runName } from './run-folder.ts'

/** How long a holder may take to say which process it holds. */
const holderTimeoutMs = 1000

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
    const cgroup = await cgroups.find(runName(id))
    if (cgroup) await cgroup.remove()
    else await killHeld(folder)
    await removeTree(folder.path)
  })
  await cgroups.removeIfEmpty()
  return swept
}

/** Without a cgroup the holder knows what to end; where none answers, nothing is held any more. */
async function killHeld(folder: RunFolder): Promise<void> {
  let control: HolderControl
  try {
    control = await HolderControl.connect(folder.controlSocket, AbortSignal.timeout(holderTimeoutMs))
  } catch {
    return
  }
  using _ = control
  if (!(await identifyProcess(control.pid))) return
  process.kill(control.pid, 'SIGKILL')
  await control.ended
}

const namesIn = (path: string): Promise<string[]> =>
  readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
