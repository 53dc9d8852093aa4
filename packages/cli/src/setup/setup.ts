import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { failure } from '@bulkhead/wire/errors'
import type { Config } from '../config.ts'
import { talk } from '../output/streams.ts'
import type { Paths } from '../paths.ts'
import { sourceKey } from '../source-key.ts'
import { lockFile } from './file-lock.ts'
import { inspectHost } from './host.ts'
import { type Installation, type InstallationRecord, readInstallation, writeInstallation } from './installation.ts'
import type { Purpose } from './requirements.ts'
import type { SetupContext, SetupStep } from './step.ts'
import { hostPackagesStep } from './steps/host-packages.ts'
import { setupSteps } from './steps.ts'

export interface SetupOptions {
  readonly config: Config
  readonly paths: Paths
  readonly signal: AbortSignal
  readonly yes: boolean
  /** Also what only the tests need. */
  readonly tests?: boolean
}

/** Whether nothing has changed since the last complete set-up: one small file and the sources' times, no look at what is installed. */
export function isSetUp(paths: Paths): InstallationRecord | undefined {
  const record = readInstallation(paths.state)
  return record?.sourceKey === sourceKey(paths.source) ? record : undefined
}

/**
 * Installs, builds and fetches what is missing. Can be cut off at any moment and goes on where it stopped. Of two at once one works and the other
 * waits. Fails `consent_needed` before anything on the host has changed, and with what each step fails with.
 */
export async function ensureSetup(options: SetupOptions): Promise<InstallationRecord> {
  const done = options.tests ? undefined : isSetUp(options.paths)
  return done ?? setUp(options)
}

/** As `ensureSetup`, and looks at everything even if the last set-up was complete. */
export async function setUp(options: SetupOptions): Promise<InstallationRecord> {
  const { paths } = options
  const context = openContext(options, new Set(options.tests ? ['sandboxes', 'cluster', 'tests'] : ['sandboxes']))
  if (context.host.root) needReachable(paths.state)
  await using _lock = await lockSetup(options)
  const key = sourceKey(paths.source)
  await makeWhatIsMissing(setupSteps, context)
  const record = {
    ...(context.found as Installation),
    sourceKey: key,
    versions: context.versions,
    installedAt: new Date().toISOString(),
  }
  await writeInstallation(paths.state, record)
  return record
}

/** Only the host's packages for one purpose. Fails as {@link ensureSetup} does. */
export async function setUpHost(purpose: Purpose, options: SetupOptions): Promise<void> {
  const context = openContext(options, new Set([purpose]))
  await using _lock = await lockSetup(options)
  await makeWhatIsMissing([[hostPackagesStep]], context)
}

/** Held by whoever installs or builds for this state folder. */
export const lockSetup = ({ paths, signal }: Pick<SetupOptions, 'paths' | 'signal'>): Promise<AsyncDisposable> =>
  lockFile(join(paths.state, 'setup.lock'), signal, () =>
    talk('bulkhead: another set-up is at work here; waiting for it')
  )

function openContext({ config, paths, signal, yes }: SetupOptions, purposes: ReadonlySet<Purpose>): SetupContext {
  const host = inspectHost()
  if (host.platform !== 'linux' || host.arch !== 'x64') {
    throw failure('host_unsupported', {
      host: `${host.platform}/${host.arch}`,
      problem: 'set-up is known for Linux on amd64 only',
    })
  }
  return { config, paths, host, signal, yes: yes || config.yes, purposes, found: {}, versions: {} }
}

/** Kernels run under uids of their own: every folder on the way to what they open must let others through. */
function needReachable(path: string): void {
  for (let folder = path; folder !== dirname(folder); folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) !== 0) continue
    throw failure('state_unusable', {
      path,
      reason: `other users cannot pass through ${folder}, and each kernel runs as one`,
    })
  }
}

/** Row by row: all steps of a row are checked, then what is missing is made. Nothing is shown when nothing is to be done. */
async function makeWhatIsMissing(rows: readonly (readonly SetupStep[])[], context: SetupContext): Promise<void> {
  let display: Awaited<ReturnType<typeof loadDisplay>> | undefined
  for (const row of rows) {
    const missing: SetupStep[] = []
    for (const step of row) if (!(await step.check(context))) missing.push(step)
    if (missing.length === 0) continue
    display ??= await loadDisplay()
    await display.showSteps(missing, context)
  }
}

/** listr2 is loaded only when there is something to show. */
const loadDisplay = () => import('./display.ts')
