import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { CgroupParent } from '../src/confine/cgroup.ts'

const joinAndStay = 'for folder; do echo $$ > "$folder/cgroup.procs" || exit 1; done; exec sleep 1000'

it('is removed with what is on its way in', { timeout: 60_000 }, async () => {
  const parent = await CgroupParent.open(`bulkhead-test-${randomBytes(4).toString('hex')}`)
  for (let round = 0; round < 60; round++) {
    const cgroup = await parent.create(`round-${round}`, { memoryBytes: 64 << 20, cpus: 1, pids: 16 })
    if (!cgroup) throw new Error(`no cgroups here: ${parent.reasonFor('memory')}`)
    const newcomer = spawn('sh', ['-c', joinAndStay, 'sh', ...cgroup.folders], { stdio: 'ignore' })
    const ended = once(newcomer, 'exit')
    await sleep(round / 10)
    await cgroup.remove()
    expect(cgroup.folders.filter((folder) => existsSync(folder))).toEqual([])
    // It found the cgroup gone, or was ended in it. A join of a part of the cgroup only must not let it live on.
    await ended
  }
  await parent.removeIfEmpty()
})
