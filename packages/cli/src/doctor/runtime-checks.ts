import type { RuntimeReport } from '@bulkhead/wire'
import type { Check } from './check.ts'

const boundary: Readonly<Record<string, string>> = {
  hardware: 'a processor-enforced boundary',
  userspace: "gVisor's kernel in user space is the boundary",
  emulated: 'a kernel of its own, but no security boundary',
}

/** What each runtime gives, as found by a real boot. */
export function runtimeCheck(report: RuntimeReport): Check {
  const name = `runtime.${report.runtime}`
  const attempts = report.attempts.map(({ what, outcome, tookMs }) => `${what}: ${outcome} (${Math.round(tookMs)} ms)`)
  if (!report.usable || !report.isolation) {
    return {
      name,
      state: 'fail',
      found: [report.reason ?? 'does not work', ...attempts].join('; '),
      consequence: `no sandbox can use ${report.runtime}`,
      fix: 'mend what the programs above lack, then: bulkhead doctor --fresh',
    }
  }
  const lacks = [report.reason, report.missing.length > 0 ? `without: ${report.missing.join(', ')}` : undefined].filter(
    (text) => text !== undefined
  )
  return {
    name,
    state: report.isolation === 'emulated' || report.missing.length > 0 ? 'warn' : 'ok',
    found: [`class ${report.isolation} (${boundary[report.isolation]})`, report.version, ...attempts]
      .filter((text) => text !== undefined)
      .join('; '),
    ...(lacks.length > 0 && { consequence: lacks.join('; ') }),
    ...(report.isolation === 'emulated' && {
      fix: 'a machine with working KVM; here use --runtime gvisor for what is not trusted',
    }),
  }
}
