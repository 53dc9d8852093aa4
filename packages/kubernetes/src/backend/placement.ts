import {
  type CreateSandbox,
  failure,
  type IsolationClass,
  isolationStrength,
  type RuntimeName,
  type RuntimeReport,
} from '@bulkhead/wire'

/** The slice of a RuntimeClass that is read. */
export interface NamedHandler {
  readonly name: string
  readonly handler: string
}

export interface Placement {
  readonly runtime: RuntimeName
  readonly isolation: IsolationClass
  readonly runtimeClass: string
}

/**
 * What handlers of a node's container runtime are, by the names that their projects give them; first match counts. Only those whose kernel the control
 * API has a name for: what is not in the table is not used, and a handler that shares the node's kernel, like `runc`, is not in it.
 */
const knownHandlers: readonly (readonly [pattern: RegExp, runtime: RuntimeName, isolation: IsolationClass])[] = [
  [/^(runsc|gvisor)(-|$)/, 'gvisor', 'userspace'],
  // Kata's other hypervisors (clh, fc, dragonball, stratovirt) are no QEMU.
  [/^kata(-qemu)?$/, 'qemu', 'hardware'],
  [/^kata-qemu-(?!.*tcg)/, 'qemu', 'hardware'],
]

/** In this order one is taken: as on one machine gVisor comes first, which is the quicker to start. */
const preference: readonly RuntimeName[] = ['gvisor', 'qemu']

/** What each RuntimeClass that can be used gives, the one to be taken first at the beginning. */
export function placementsOf(classes: readonly NamedHandler[]): Placement[] {
  return classes
    .flatMap(({ name, handler }): Placement[] => {
      const known = knownHandlers.find(([pattern]) => pattern.test(handler))
      return known ? [{ runtime: known[1], isolation: known[2], runtimeClass: name }] : []
    })
    .sort(
      (a, b) =>
        preference.indexOf(a.runtime) - preference.indexOf(b.runtime) || (a.runtimeClass < b.runtimeClass ? -1 : 1)
    )
}

/**
 * The RuntimeClass for a request. Fails `isolation_unavailable` where none gives at least the class asked for, and `runtime_unavailable` for a runtime
 * that no RuntimeClass has: there is no way on without one.
 */
export function place(
  { runtime, isolation }: Pick<CreateSandbox, 'runtime' | 'isolation'>,
  classes: readonly NamedHandler[]
): Placement {
  const offered = placementsOf(classes).filter((one) => !runtime || one.runtime === runtime)
  if (runtime && offered.length === 0)
    throw failure('runtime_unavailable', { runtime, reason: 'no RuntimeClass of this cluster has a handler of it' })
  const found = offered.find((one) => isolationStrength[one.isolation] >= isolationStrength[isolation])
  if (found) return found
  const names = [...new Set(offered.map((one) => `${one.runtime}: ${one.isolation}`))]
  throw failure('isolation_unavailable', { wanted: isolation, offered: names.join(', ') || 'nothing' })
}

/** Nothing was booted to find out: a RuntimeClass says what its handler is called, a Pod shows whether a node has it. */
export function reportsOf(classes: readonly NamedHandler[], checkedAt: string): RuntimeReport[] {
  const placements = placementsOf(classes)
  return preference.map((runtime): RuntimeReport => {
    const own = placements.filter((one) => one.runtime === runtime)
    const common = { runtime, attempts: [], missing: [], checkedAt }
    const [first] = own
    if (!first) return { ...common, usable: false, reason: 'no RuntimeClass of this cluster has a handler of it' }
    const names = own.map(({ runtimeClass }) => runtimeClass).join(', ')
    return { ...common, usable: true, isolation: first.isolation, reason: `by its name; RuntimeClass ${names}` }
  })
}
