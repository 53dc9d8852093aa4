import type { IsolationClass } from '@bulkhead/wire'
import type { RuntimeClass, Stored } from '../controller/index.ts'

/** Label of a RuntimeClass: what its Pods are promised, in its administrator's words. Values: `hardware`, `userspace`, `emulated`. */
export const promiseLabel = 'bulkhead.dev/isolation-class'

const strength: Readonly<Record<IsolationClass, number>> = { emulated: 1, userspace: 2, hardware: 3 }

export const isWeaker = (one: IsolationClass, other: IsolationClass): boolean => strength[one] < strength[other]

/** What people take a RuntimeClass, or a handler, of such a name for. */
const knownNames: readonly (readonly [RegExp, IsolationClass])[] = [
  [/^(kata|firecracker|edera|cloud-hypervisor|aws\.firecracker)(-|$)/, 'hardware'],
  [/^(gvisor|runsc)(-|$)/, 'userspace'],
]

const byName = (name: string): IsolationClass | undefined => knownNames.find(([pattern]) => pattern.test(name))?.[1]

/**
 * What a Pod is promised by the RuntimeClass it names: what the label says, or else the most that the names of class and handler make people expect. A
 * label that is no class promises the most there is: nobody is to fall short of a promise because it was misspelt. Undefined: nothing.
 */
export function promisedClass(
  name: string,
  runtimeClass: Stored<RuntimeClass> | undefined
): IsolationClass | undefined {
  const label = runtimeClass?.metadata.labels?.[promiseLabel]
  if (label !== undefined) return Object.hasOwn(strength, label) ? (label as IsolationClass) : 'hardware'
  const [one, other] = [byName(name), byName(runtimeClass?.handler ?? '')]
  if (!one || !other) return one ?? other
  return isWeaker(one, other) ? other : one
}
