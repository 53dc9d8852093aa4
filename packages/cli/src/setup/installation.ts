import { readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { failure } from '@bulkhead/wire/errors'

/** What is installed where: absolute paths. `setup` writes it last, so that its presence means all of it is there. */
export interface Installation {
  readonly qemu: string
  readonly qemuImg: string
  readonly runsc: string
  readonly agent: string
  readonly holder: string
  readonly kernelImage: string
  readonly initrd: string
  /** The default image's file system. */
  readonly rootImage: string
}

/** The record as it is kept. */
export interface InstallationRecord extends Installation {
  /** {@link sourceKey} of the checkout it was made from; another one makes `setup` look again at what has changed. */
  readonly sourceKey: string
  /** For people and `doctor`. */
  readonly versions: Readonly<Record<string, string>>
  /** RFC 3339. */
  readonly installedAt: string
}

export const installationPath = (state: string): string => join(state, 'installation.json')

/** Undefined: never set up, or not to the end. */
export function readInstallation(state: string): InstallationRecord | undefined {
  try {
    return JSON.parse(readFileSync(installationPath(state), 'utf8')) as InstallationRecord
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** For what cannot do without. Fails `not_set_up`. */
export function needInstallation(state: string): InstallationRecord {
  const record = readInstallation(state)
  if (!record) throw failure('not_set_up', { state })
  return record
}

export async function writeInstallation(state: string, record: InstallationRecord): Promise<void> {
  const draft = `${installationPath(state)}.${process.pid}`
  await writeFile(draft, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o644, flush: true })
  await rename(draft, installationPath(state))
}
