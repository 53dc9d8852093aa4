import { isolationPolicies } from '../api/index.ts'
import { celString } from './cel.ts'

/** An expression: whether who asks may take objects out of this policy: the verb `exempt` on it, which administrators have. */
export const mayExempt = (policy: string): string =>
  `authorizer.group(${celString(isolationPolicies.group)}).resource(${celString(isolationPolicies.plural)}).name(${celString(policy)}).check("exempt").allowed()`
