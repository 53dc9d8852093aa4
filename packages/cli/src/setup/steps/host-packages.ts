import { askConsent } from '../consent.ts'
import { installPackages } from '../install-packages.ts'
import { describePlan, planPackages, readAptSources } from '../package-plan.ts'
import { findRequirement, pathOf, type Requirement, requirementsOn } from '../requirements.ts'
import type { SetupContext, SetupStep } from '../step.ts'

export const hostPackagesStep: SetupStep = {
  name: 'host packages',
  why: 'QEMU, Go and the tools that make images come from the distribution',
  check: async (context) => (await lacking(context)).length === 0,
  async make(context, progress) {
    const plan = planPackages(await lacking(context), context.host, readAptSources())
    await askConsent(
      describePlan(plan),
      { yes: context.yes, terminal: Boolean(process.stdin.isTTY && process.stderr.isTTY) },
      context.signal
    )
    await installPackages(plan, context.host, context.signal, progress)
    const still = await lacking(context)
    // Installed, and yet too old or not there: the distribution has nothing better.
    if (still.length > 0) await needAll(still, context.signal)
  },
}

/** What is missing or too old; what is there goes into the record. */
async function lacking(context: SetupContext): Promise<Requirement[]> {
  const wanted = requirementsOn(context.host, context.purposes)
  const findings = await Promise.all(wanted.map((entry) => findRequirement(entry, context.signal)))
  return wanted.filter((entry, at) => {
    const finding = findings[at]
    if (finding?.state !== 'found') return true
    if (finding.version) context.versions[entry.program] = finding.version
    if (entry.program === 'qemu-system-x86_64') context.found.qemu = finding.path
    if (entry.program === 'qemu-img') context.found.qemuImg = finding.path
    return false
  })
}

async function needAll(missing: readonly Requirement[], signal: AbortSignal): Promise<void> {
  for (const entry of missing) await pathOf(entry.program, signal)
}
