import type { Explained } from './explained.ts'
import type { ModulePlan, ModuleReport, Outcome } from './module-report.ts'

/** A test that the host passes and the sandbox does not. `missing`: it ran on the host alone. */
export interface Difference {
  readonly module: string
  readonly test: string
  readonly outcome: Exclude<Outcome, 'passed'> | 'missing'
  readonly reason: string
}

/**
 * What is worse in the sandbox than on the host. The other way round is no fault of ours: which tests a host skips depends on its kernel.
 * What the sandbox's plan leaves out is not missing.
 */
export function differences(
  host: readonly ModuleReport[],
  sandbox: readonly ModuleReport[],
  plans: readonly ModulePlan[]
): Difference[] {
  return host.flatMap(({ module, outcomes }) => {
    const plan = plans.find(({ name }) => name === module)
    if (!plan) return []
    const inside = sandbox.find((report) => report.module === module)
    return Object.entries(outcomes).flatMap(([test, [outcome]]): Difference[] => {
      if (outcome !== 'passed' || !isPlanned(plan, test)) return []
      const [got, reason] = inside?.outcomes[test] ?? ['missing', inside ? `its module ${inside.end}` : 'no report']
      return got === 'passed' ? [] : [{ module, test, outcome: got, reason }]
    })
  })
}

export interface Judged {
  readonly unexplained: readonly Difference[]
  readonly explained: readonly { readonly difference: Difference; readonly why: string }[]
  /** Explanations of what the host passes and the sandbox passes as well. */
  readonly outdated: readonly Explained[]
}

/** `table`: the explanations of this sandbox's runtime. */
export function judge(
  found: readonly Difference[],
  table: readonly Explained[],
  host: readonly ModuleReport[],
  plans: readonly ModulePlan[]
): Judged {
  const explanationOf = ({ test, outcome }: Difference) =>
    table.find((entry) => entry.outcome === outcome && isMatch(entry.tests, test))
  const passedOnHost = host.flatMap(({ module, outcomes }) => {
    const plan = plans.find(({ name }) => name === module)
    return Object.entries(outcomes)
      .filter(([test, [outcome]]) => outcome === 'passed' && plan && isPlanned(plan, test))
      .map(([test]) => test)
  })
  return {
    unexplained: found.filter((difference) => !explanationOf(difference)),
    explained: found.flatMap((difference) => {
      const entry = explanationOf(difference)
      return entry ? [{ difference, why: entry.why }] : []
    }),
    outdated: table.filter(
      (entry) =>
        passedOnHost.some((test) => isMatch(entry.tests, test)) &&
        !found.some((difference) => explanationOf(difference) === entry)
    ),
  }
}

const isPlanned = ({ only, without = [] }: ModulePlan, test: string): boolean =>
  (only === undefined || only.some((pattern) => isChosen(pattern, test))) &&
  !without.some((pattern) => isChosen(pattern, test))

/** As regrtest understands --match and --ignore: the whole id, or one of the parts between its dots. */
const isChosen = (pattern: string, test: string): boolean =>
  [test, ...test.split('.')].some((part) => isMatch(pattern, part))

/** Of fnmatch's patterns only `*`, which is all that is used. */
function isMatch(pattern: string, text: string): boolean {
  const literals = pattern.split('*').map((literal) => literal.replace(/[^\w]/g, '\\$&'))
  return new RegExp(`^${literals.join('.*')}$`, 's').test(text)
}
