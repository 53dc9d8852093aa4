import type { IsolationClass, IsolationPolicySpec } from '../api/index.ts'

/** As numbers that expressions compare. What has no class has 0: the node's own kernel. */
export const classRank: Readonly<Record<IsolationClass, number>> = { userspace: 1, hardware: 2 }

export const minimumRank = ({ minimumClass = 'userspace' }: IsolationPolicySpec): number => classRank[minimumClass]

/** 0 for a RuntimeClass that the policy does not know. */
export function rankOf({ runtimeClasses }: IsolationPolicySpec, runtimeClassName: string): number {
  const found = runtimeClasses.find(({ name }) => name === runtimeClassName)
  return found ? classRank[found.class] : 0
}

/** The RuntimeClasses that are strong enough. */
export const namesOfRank = ({ runtimeClasses }: IsolationPolicySpec, rank: number): readonly string[] =>
  runtimeClasses.filter((one) => classRank[one.class] >= rank).map(({ name }) => name)
