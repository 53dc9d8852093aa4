import { existsSync } from 'node:fs'
import type { Paths } from '../paths.ts'
import { type Installation, type InstallationRecord, readInstallation } from '../setup/installation.ts'
import { sourceKey } from '../source-key.ts'
import type { Check } from './check.ts'

const files: readonly (keyof Installation)[] = ['agent', 'holder', 'runsc', 'kernelImage', 'initrd', 'rootImage']

/** What `setup` has built and fetched. */
export function installationChecks(paths: Paths): { checks: Check[]; record: InstallationRecord | undefined } {
  const record = readInstallation(paths.state)
  if (!record) {
    return {
      record,
      checks: [
        {
          name: 'installation',
          state: 'fail',
          found: `nothing is set up in ${paths.state}`,
          consequence: 'no sandbox can start; the runtimes cannot be probed',
          fix: 'bulkhead setup (the first `bulkhead run` does it, too)',
        },
      ],
    }
  }
  const gone = files.filter((key) => !existsSync(record[key]))
  const current = record.sourceKey === sourceKey(paths.source)
  const state: Check = current
    ? { name: 'installation', state: 'ok', found: `set up in ${paths.state} on ${record.installedAt}` }
    : {
        name: 'installation',
        state: 'warn',
        found: 'made from other sources than those here',
        consequence: 'the next command that needs a sandbox looks what has to be made anew',
        fix: 'bulkhead setup',
      }
  const missing = gone.map(
    (key): Check => ({
      name: `installation.${key}`,
      state: 'fail',
      found: `${record[key]} is gone`,
      fix: `rm ${paths.state}/installation.json && bulkhead setup`,
    })
  )
  return { record, checks: [state, ...missing] }
}
