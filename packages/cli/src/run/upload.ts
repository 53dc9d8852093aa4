import type { Readable } from 'node:stream'
import type { Sandbox } from '@bulkhead/sdk/node'
import { printable } from '../output/printable.ts'
import { talk } from '../output/streams.ts'
import type { ProcessPlan } from './plan.ts'
import { placeScript, type Script, scriptFolder } from './script.ts'
import { archiveFolder, archiveScript } from './upload-archive.ts'

export interface UploadOptions {
  readonly dir: string | undefined
  readonly all: boolean
  /** Where `dir` goes when the command has no working directory of its own. */
  readonly folder: string
}

export interface Upload {
  /** The command, as it has to be started now. */
  readonly plan: ProcessPlan
  send(sandbox: Sandbox): Promise<void>
}

/** What has to get into the sandbox before the command starts. Fails `invalid_request` while nothing has been made yet. */
export async function planUpload(
  plan: ProcessPlan,
  script: Script | undefined,
  { dir, all, folder }: UploadOptions,
  signal: AbortSignal
): Promise<Upload> {
  const workdir = plan.workdir ?? folder
  const parcels: { path: string; archive: () => Promise<Readable> | Readable }[] = []
  if (dir !== undefined) {
    const onSkip = (path: string, why: string) => talk(`bulkhead: --dir: left out ${printable(path)}: ${why}`)
    const archive = await archiveFolder(dir, { all, onSkip, signal })
    parcels.push({ path: workdir, archive: () => archive })
  }
  let command = plan.command
  if (script) {
    const placed = placeScript(script, dir)
    command = [...placed.words, ...plan.command.slice(1)] as [string, ...string[]]
    if (placed.upload) parcels.push({ path: scriptFolder, archive: () => archiveScript(script.path) })
  }
  return {
    plan: { ...plan, command, workdir: dir === undefined ? plan.workdir : workdir },
    async send(sandbox) {
      const access = { signal, ...(plan.user !== undefined && { user: plan.user }) }
      for (const { path, archive } of parcels) await sandbox.tree.upload(path, await archive(), access)
    },
  }
}
