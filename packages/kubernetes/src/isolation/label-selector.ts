import type { LabelRequirement, LabelSelector } from '../api/index.ts'
import { celAll, celString, celStrings } from './cel.ts'

type Labels = Readonly<Record<string, string>>

interface Operator {
  matches(labels: Labels, key: string, values: readonly string[]): boolean
  /** The same in CEL, of the map of texts that the expression `labels` stands for. */
  cel(labels: string, key: string, values: readonly string[]): string
}

const has = (labels: Labels, key: string) => Object.hasOwn(labels, key)
const isIn = (labels: Labels, key: string, values: readonly string[]) =>
  has(labels, key) && values.includes(labels[key] as string)
const celHas = (labels: string, key: string) => `${celString(key)} in ${labels}`
const celIsIn = (labels: string, key: string, values: readonly string[]) =>
  `${celHas(labels, key)} && ${labels}[${celString(key)}] in ${celStrings(values)}`

/** As in Kubernetes: what is not there is not in any list. */
const operators: Readonly<Record<string, Operator>> = {
  In: { matches: isIn, cel: celIsIn },
  NotIn: {
    matches: (...args) => !isIn(...args),
    cel: (...args) => `!(${celIsIn(...args)})`,
  },
  Exists: { matches: has, cel: celHas },
  DoesNotExist: {
    matches: (labels, key) => !has(labels, key),
    cel: (labels, key) => `!(${celHas(labels, key)})`,
  },
}

const requirementsOf = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): readonly LabelRequirement[] => [
  ...Object.entries(matchLabels).map(([key, value]) => ({ key, operator: 'In', values: [value] })),
  ...matchExpressions,
]

/** Throws on an operator that is none. */
function operatorOf({ operator }: LabelRequirement): Operator {
  const found = Object.hasOwn(operators, operator) ? operators[operator] : undefined
  if (!found) throw new TypeError(`${JSON.stringify(operator)} is none of ${Object.keys(operators).join(', ')}`)
  return found
}

/** Whether a selector selects these labels, as the API server would say; an empty one selects all. */
export const selectsLabels = (selector: LabelSelector, labels: Labels = {}): boolean =>
  requirementsOf(selector).every((one) => operatorOf(one).matches(labels, one.key, one.values ?? []))

/** The same as an expression, of the map of texts that the expression `labels` stands for. */
export const celSelects = (selector: LabelSelector, labels: string): string =>
  celAll(requirementsOf(selector).map((one) => operatorOf(one).cel(labels, one.key, one.values ?? [])))

/** The keys that decide. */
export const selectorKeys = (selector: LabelSelector): readonly string[] => [
  ...new Set(requirementsOf(selector).map(({ key }) => key)),
]
