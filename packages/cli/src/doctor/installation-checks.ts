import type { Paths } from '../paths.ts'
import { type Installation, type InstallationRecord, readInstallation } from '../setup/installation.ts'
import { isFilled } from '../setup/is-filled.ts'
import { isProgram } from '../setup/is-program.ts'
import { sourceKey } from '../source-key.ts'
import type { Check } from './check.ts'

const parts: readonly [keyof Installation, (path: string) => boolean][] = [
  ['agent', isProgram],
  ['holder', isProgram],
  ['runsc', isProgram],
  ['kernelImage', isFilled],
  ['initrd', isFilled],
  ['rootImage', isFilled],
]

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
  const gone = parts.filter(([key, isWhole]) => !isWhole(record[key])).map(([key]) => key)
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
      found: `${record[key]} is gone, empty or not executable`,
      fix: 'bulkhead setup',
    })
  )
  return { record, checks: [state, ...missing] }
}
