import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { failure } from '@bulkhead/wire/errors'
import { removeCgroups } from './cgroups.ts'
import { removeNetwork } from './network.ts'
import { clusterId, namePrefix } from './plan.ts'
import { killMarked } from './processes.ts'
import { recordName } from './record.ts'
import { runTool } from './run-tool.ts'

/**
 * Removes everything that bears the name of the cluster in `folder`, and the folder last: after a failure it can be tried again. Needs no record
 * and believes none. What cannot be removed does not keep the rest. False: there was no folder. Fails `cluster_not_removed`.
 */
export async function removeCluster(folder: string): Promise<boolean> {
  const existed = existsSync(folder)
  const id = clusterId(folder)
  const failures: unknown[] = []
  const attempt = async (step: () => Promise<void>) => {
    try {
      await step()
    } catch (error) {
      failures.push(error)
    }
  }
  await attempt(() => killMarked(id))
  await attempt(() => removeNetwork(id))
  await attempt(() => unmountBelow(folder))
  await attempt(() => removeCgroups(namePrefix(id)))
  if (failures.length === 0) await attempt(() => removeFolder(folder))
  if (failures.length === 0) return existed
  const left = failures.map((error) => (error instanceof Error ? error.message : String(error))).join('; ')
  throw failure('cluster_not_removed', { left }, { cause: new AggregateError(failures) })
}

/** The record goes last: as long as it is there, so may be the rest. */
async function removeFolder(folder: string): Promise<void> {
  if (!existsSync(folder)) return
  for (const name of readdirSync(folder)) {
    if (name !== recordName) await rm(join(folder, name), { recursive: true, force: true })
  }
  await rm(folder, { recursive: true, force: true })
}

/** Machines have mounts of their own that end with them. These are what somebody mounted from the host. Deepest first. */
async function unmountBelow(folder: string): Promise<void> {
  const targets = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => unescaped(line.split(' ')[4] ?? ''))
    .filter((target) => target.startsWith(`${folder}/`))
    .toSorted((a, b) => b.length - a.length)
  for (const target of targets) await runTool(['umount', target])
}

/** Linux writes spaces and the like in mountinfo as octal numbers: `\040`. */
const unescaped = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
