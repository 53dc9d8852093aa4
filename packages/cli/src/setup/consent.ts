import { createInterface } from 'node:readline/promises'
import { failure } from '@bulkhead/wire/errors'
import { talk } from '../output/streams.ts'

/** Whether the host may be changed. Given beforehand (`--yes`), else asked for on a terminal; fails `consent_needed` with the plan where neither is possible. */
export async function askConsent(
  plan: readonly string[],
  options: { yes: boolean; terminal: boolean },
  signal: AbortSignal
): Promise<void> {
  if (options.yes) return
  if (!options.terminal) throw failure('consent_needed', { plan: [...plan] })
  talk('bulkhead: to set up, this host needs packages. With your consent:')
  for (const line of plan) talk(`    ${line}`)
  const prompt = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await prompt.question('Go on? [y/N] ', { signal })
    if (!/^y(es)?$/i.test(answer.trim())) throw failure('consent_needed', { plan: [...plan] })
  } finally {
    prompt.close()
  }
}
