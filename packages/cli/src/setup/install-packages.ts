import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { failure } from '@bulkhead/wire/errors'
import type { Host } from './host.ts'
import { describePlan, installCommands, type PackagePlan } from './package-plan.ts'
import { runCommand } from './run-command.ts'

/** Carries out the plan, as root or through sudo; each part can be repeated, so an interrupted one is simply run again. */
export async function installPackages(
  plan: PackagePlan,
  host: Host,
  signal: AbortSignal,
  progress: (text: string) => void
): Promise<void> {
  if (!host.root && !host.sudo) throw failure('privilege_needed', { commands: describePlan(plan) })
  const asRoot = (argv: readonly [string, ...string[]], onStatus?: (line: string) => void) =>
    runCommand(host.sudo ? [host.sudo, ...argv] : argv, {
      signal,
      terminal: !host.root,
      env: { DEBIAN_FRONTEND: 'noninteractive' },
      onLine: () => {},
      ...(onStatus && { onStatus }),
    })

  progress('finishing what an interrupted installation may have left')
  await asRoot(['dpkg', '--configure', '-a'])
  if (plan.sourcesFile) await writeAsRoot(plan.sourcesFile, asRoot)
  progress('reading the package lists')
  await asRoot(['apt-get', ...patience, 'update'])
  for (const [program, ...args] of installCommands(plan)) {
    // sudo closes descriptors above 2: there the progress lines are done without.
    const status = host.root ? ['-o', 'APT::Status-Fd=3'] : []
    await asRoot(
      [program, ...patience, ...status, ...args],
      host.root ? (line) => progress(readStatus(line) ?? '') : undefined
    )
  }
}

/** Another apt (unattended upgrades) may be at work: wait for it instead of failing. */
const patience = ['-o', 'DPkg::Lock::Timeout=600', '-q'] as const

async function writeAsRoot(
  file: { path: string; text: string },
  asRoot: (argv: readonly [string, ...string[]]) => Promise<void>
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bulkhead-'))
  try {
    const draft = join(folder, 'sources')
    await writeFile(draft, file.text)
    await asRoot(['install', '--mode=0644', '--owner=root', '--group=root', draft, file.path])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** `pmstatus:qemu-utils:42.8:Unpacking qemu-utils (amd64)` → `43 % Unpacking qemu-utils (amd64)`. */
export function readStatus(line: string): string | undefined {
  const match = /^(?:pm|dl)status:[^:]*:([\d.]+):(.*)$/.exec(line)
  return match ? `${Math.round(Number(match[1]))} % ${match[2]}` : undefined
}
