import { writeFile } from 'node:fs/promises'
import { failure } from '@bulkhead/wire'
import type { WorkFolder } from '../store/work-folder.ts'
import { needRoot, runTool, saysDiskFull } from '../tool/run-tool.ts'
import { lastWords } from '../tool/tail.ts'
import { debianSources, suite } from './debian-sources.ts'

/**
 * Makes a Debian tree in `work/<folder>` from {@link debianSources}. `what`: for the message. Installs as root in a chroot: the packages
 * are Debian's, signed, and their scripts run with this host's root. Fails `packages_unavailable`,
 * `disk_full`, `root_needed`.
 */
export async function mmdebstrap(
  work: WorkFolder,
  folder: string,
  options: { readonly what: string; readonly args: readonly string[]; readonly onLine?: (line: string) => void },
  signal: AbortSignal
): Promise<string> {
  needRoot(`making ${options.what}`)
  const root = work.join(folder)
  const sourcesFile = work.join(`${folder}.sources`)
  await writeFile(sourcesFile, await debianSources(signal))
  const args = ['--mode=root', '--format=directory', ...options.args, suite, root, sourcesFile]
  const env = { ...process.env, TMPDIR: work.path }
  const end = await runTool('mmdebstrap', args, { signal, env, ...(options.onLine && { onLine: options.onLine }) })
  if (end.exitCode === 0) return root
  if (saysDiskFull(end.said)) throw failure('disk_full', { directory: work.path }, { cause: end.said })
  throw failure('packages_unavailable', { what: options.what, detail: lastWords(end.said) }, { cause: end.said })
}
