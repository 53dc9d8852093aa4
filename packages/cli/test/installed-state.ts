import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { InstallationRecord } from '../src/setup/installation.ts'
import { sourceDirectory } from '../src/source-directory.ts'
import { sourceKey } from '../src/source-key.ts'

/** A state folder of its own, set up from what the installation under test has: hard links where possible, so it costs nothing. */
export function installedState(): { readonly folder: string } & Disposable {
  const from = process.env.BULKHEAD_TEST_INSTALLATION
  if (!from)
    throw new Error('BULKHEAD_TEST_INSTALLATION must name the installation.json that `bulkhead setup` has written')
  const installed = dirname(from)
  const folder = mkdtempSync('/var/tmp/bulkhead-cli-test-')
  try {
    execFileSync('chmod', ['0711', folder])
    for (const part of ['artifacts', 'images']) link(join(installed, part), join(folder, part))
    const record = JSON.parse(
      readFileSync(from, 'utf8').replaceAll(`"${installed}/`, `"${folder}/`)
    ) as InstallationRecord
    writeFileSync(
      join(folder, 'installation.json'),
      JSON.stringify({ ...record, sourceKey: sourceKey(sourceDirectory) } satisfies InstallationRecord)
    )
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

function link(from: string, to: string): void {
  try {
    execFileSync('cp', ['--archive', '--link', from, to], { stdio: 'ignore' })
  } catch {
    rmSync(to, { recursive: true, force: true })
    execFileSync('cp', ['--archive', '--reflink=auto', from, to]) // another file system: then it is a copy
  }
}
