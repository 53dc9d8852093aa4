import { parseFlags } from '../../src/operator/flags/flag-syntax.ts'
import { operatorFlags } from '../../src/operator/flags/operator-flags.ts'
import type { OperatorSettings } from '../../src/operator/operator-context.ts'
import { optionsFrom } from '../../src/operator/operator-options.ts'

/** What the operator runs with when no flag is given. */
export const defaultSettings: OperatorSettings = {
  namespace: 'agent-sandbox-system',
  ...optionsFrom(parseFlags(operatorFlags, [])).settings,
}
