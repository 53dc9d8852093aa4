import type { ZodMiniType } from 'zod/mini'
import type { IsolationPolicy, Sandbox, SandboxClaim, SandboxTemplate, SandboxWarmPool } from '../api/index.ts'
import { claimShape, isolationPolicyShape, sandboxShape, templateShape, warmPoolShape } from './shapes.ts'

/** As it may have been stored, whatever its type says. */
type Unread<T extends { readonly spec: unknown }> = { readonly spec?: Partial<T['spec']> }

/**
 * What of an object cannot be read, and where: `spec.replicas is not a whole number: 1.5`. Undefined: nothing. Only the first of several.
 */
export const malformationOfSandbox = (sandbox: Unread<Sandbox>): string | undefined => wrongIn(sandbox, sandboxShape)

/** See {@link malformationOfSandbox}. */
export const malformationOfTemplate = (template: Unread<SandboxTemplate>): string | undefined =>
  wrongIn(template, templateShape)

/** See {@link malformationOfSandbox}. */
export const malformationOfWarmPool = (pool: Unread<SandboxWarmPool>): string | undefined =>
  wrongIn(pool, warmPoolShape)

/** See {@link malformationOfSandbox}. */
export const malformationOfClaim = (claim: Unread<SandboxClaim>): string | undefined => wrongIn(claim, claimShape)

/** See {@link malformationOfSandbox}. */
export const malformationOfIsolationPolicy = (policy: Unread<IsolationPolicy>): string | undefined =>
  wrongIn(policy, isolationPolicyShape)

type Issue = NonNullable<ReturnType<ZodMiniType['safeParse']>['error']>['issues'][number]

function wrongIn(object: object, shape: ZodMiniType): string | undefined {
  const issue = shape.safeParse(object).error?.issues[0]
  if (!issue) return undefined
  const value = issue.path.reduce<unknown>((parent, key) => (parent as Record<PropertyKey, unknown>)[key], object)
  return `${pathText(issue.path)} ${value === undefined ? 'is missing' : `${wordingOf(issue)}${shown(value)}`}`
}

const wordings: Readonly<Record<string, string>> = {
  object: 'is not an object',
  record: 'is not an object',
  array: 'is not a list',
  string: 'is not text',
  boolean: 'is neither true nor false',
  number: 'is not a whole number',
  int: 'is not a whole number',
}

function wordingOf(issue: Issue): string {
  if (issue.code === 'invalid_type') return wordings[issue.expected] ?? `is not of type ${issue.expected}`
  if (issue.code === 'invalid_value') return `is none of ${issue.values.join(', ')}`
  if (issue.code === 'too_small') return issue.origin === 'string' ? 'is empty' : `is less than ${issue.minimum}`
  return issue.message
}

const longestShown = 100

/** What is short enough says more than its type. */
function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return ''
  const text = JSON.stringify(value)
  return `: ${text.length > longestShown ? `${text.slice(0, longestShown)}…` : text}`
}

/** As people write it: `spec.env[0].name`, `spec.podTemplate.metadata.labels["a/b"]`. */
const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((key) => (typeof key === 'string' && /^\w+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`))
    .join('')
    .replace(/^\./, '')
