import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { openProduct, type Product } from '../../test/support/product.ts'
import type { Figure } from '../figure.ts'
import { MiB, requests } from '../first-byte.ts'

const idle = 8

/** Host memory of an idle sandbox: the share of its processes (PSS), and what else its cgroup is charged. */
export async function memory(): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const [runtime, request] of Object.entries(requests)) {
    await using product = await openProduct({ BULKHEAD_POOL_SIZE: '0' })
    const sandboxes = await Promise.all(Array.from({ length: idle }, () => product.client.sandboxes.create(request)))
    for (const sandbox of sandboxes) await sandbox.run(['true'])
    await sleep(5000)
    const { pss, charged } = ofGroups(product)
    figures.push({
      name: `${runtime === 'qemu' ? 'QEMU emulated, clone of 256 MB' : 'gVisor'}: host memory of an idle sandbox`,
      value: Math.max(pss, charged) / idle / MiB,
      unit: 'MB',
      target: { atMost: runtime === 'qemu' ? 45 : 60 },
      detail: `of ${idle} idle ones: PSS of all their processes ${(pss / idle / MiB).toFixed(1)} MB each, charged to their cgroups ${(charged / idle / MiB).toFixed(1)} MB each; the larger counts`,
    })
  }
  return figures
}

/** Over all cgroups of a product's sandboxes, in bytes. */
function ofGroups(product: Product): { pss: number; charged: number } {
  const name = product.socketPath.split('/').at(-2) as string
  const v2 = `/sys/fs/cgroup/${name}`
  const v1 = `/sys/fs/cgroup/memory/${name}`
  const [root, current] = exists(v1) ? [v1, 'memory.usage_in_bytes'] : [v2, 'memory.current']
  let pss = 0
  let charged = 0
  for (const group of readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    charged += Number(readFileSync(`${root}/${group.name}/${current}`, 'utf8'))
    for (const pid of readFileSync(`${root}/${group.name}/cgroup.procs`, 'utf8').split('\n').filter(Boolean))
      pss += pssOf(pid)
  }
  return { pss, charged }
}

function pssOf(pid: string): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) * 1024
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return 0 // it has just ended
    throw error
  }
}

function exists(folder: string): boolean {
  try {
    return readdirSync(folder).length > 0
  } catch {
    return false
  }
}
