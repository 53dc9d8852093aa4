import { readFileSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { failure } from '@bulkhead/wire/errors'
import { z } from 'zod'
import { programNames } from './programs.ts'

const ClusterRecord = z.object({
  version: z.literal(1),
  shape: z.object({ nodes: z.number(), fakeNodes: z.number(), subnet: z.string(), registry: z.boolean() }),
  /** `making`: it has never been whole; what is there of it is to be completed or removed. */
  phase: z.enum(['making', 'ready']),
  /** Of the host's kernel when its network was made; another one means that the network is gone. Null: not made to its end. */
  networkBootId: z.string().nullable(),
  /** The folders of programs it was made with. */
  programs: z.record(z.enum(programNames), z.string()),
})

/**
 * What is known of a cluster; written before anything of it is made. It has no pids: each process carries the cluster's id in its environment,
 * and namespaces, links and cgroups in their names, so none can be missed and no stranger be met.
 */
export type ClusterRecord = z.infer<typeof ClusterRecord>

/** In the cluster's folder; removed after all else. */
export const recordName = 'cluster.json'

/** Undefined: there is no cluster. Fails `cluster_record_invalid`. */
export function readRecord(folder: string): ClusterRecord | undefined {
  const file = join(folder, recordName)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return ClusterRecord.parse(JSON.parse(text))
  } catch (cause) {
    throw failure('cluster_record_invalid', { file }, { cause })
  }
}

/** Whole or not at all. Makes the folder, too. */
export async function writeRecord(folder: string, record: ClusterRecord): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, recordName)
  const draft = `${file}.partial`
  await writeFile(draft, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600, flush: true })
  await rename(draft, file)
}
