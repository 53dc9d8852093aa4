import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { auditedTypes } from '../../packages/kubernetes/src/audit/audited-types.ts'
import type { Figure } from '../figure.ts'
import { inTurns, summarize, timed } from '../stats.ts'
import { auditSize, openAuditLoad } from './audit-load.ts'
import type { BenchCluster } from './bench-cluster.ts'

const turns = 3
/** As the audit reads them. */
const pageSize = 100
const preload = join(import.meta.dirname, 'peak-memory.ts')
const main = resolve(import.meta.dirname, '../../packages/cli/src/main.ts')

/** `bulkhead audit` of a large cluster, the whole process with all that it writes, against the bare lists that it cannot do without. */
export async function audit(cluster: BenchCluster): Promise<Figure[]> {
  await using _load = await openAuditLoad(cluster)
  return await measure(cluster)
}

/** Of what is there. */
export async function measure(cluster: BenchCluster): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bulkhead-bench-'))
  try {
    const peaks: number[] = []
    const took = await inTurns(turns, {
      audit: () => timed(async () => peaks.push(await auditInto(folder, cluster.kubeconfig))),
      lists: () => timed(() => listAll(cluster)),
    })
    const peak = summarize(peaks)
    const { pods, nodes, rbac } = auditSize
    return [
      {
        name: `Kubernetes: audit of ${pods} pods on ${nodes} nodes, ${rbac} RBAC objects`,
        value: took.audit.p50 / 1000,
        unit: 's',
        target: { atMost: 10 },
        detail: `whole process, JSON and HTML written; ${spread(took.audit)}`,
      },
      {
        name: 'Kubernetes: the same ÷ the bare lists of the same objects',
        value: took.audit.p50 / took.lists.p50,
        unit: 'ratio',
        detail: `lists, ${pageSize} a page, nothing kept: ${spread(took.lists)}`,
      },
      {
        name: 'Kubernetes: memory of the same at its most (RSS)',
        value: peak.max / 2 ** 20,
        unit: 'MB',
        target: { atMost: 300 },
        detail: `the largest of ${peak.n}; smallest ${(peak.min / 2 ** 20).toFixed(0)} MB`,
      },
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const spread = ({ p50, min, max, n }: { p50: number; min: number; max: number; n: number }): string =>
  `p50 ${p50.toFixed(0)} ms (${min.toFixed(0)}…${max.toFixed(0)}), n=${n}`

/** Runs the command to its end; its largest resident size in bytes. */
async function auditInto(folder: string, kubeconfig: string): Promise<number> {
  const peak = join(folder, 'peak')
  const args = ['audit', '--kubeconfig', kubeconfig, '--json', '--html', join(folder, 'page.html')]
  const child = spawn(process.execPath, [`--import=${preload}`, main, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, BENCH_PEAK_MEMORY: peak },
  })
  let size = 0
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length
  })
  const [code] = await once(child, 'close')
  if (code !== 0 || size === 0) throw new Error(`bulkhead audit ended with ${code} after ${size} bytes`)
  return Number(await readFile(peak, 'utf8')) * 1024
}

async function listAll({ client, signal }: BenchCluster): Promise<void> {
  const list = async (type: (typeof auditedTypes)[number]['types'][number]) => {
    for await (const _page of client.pages(type, { limit: pageSize, signal }));
  }
  await Promise.all(auditedTypes.flatMap(({ types }) => types).map(list))
}
