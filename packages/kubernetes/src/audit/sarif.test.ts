import { expect, it } from 'vitest'
import { audit } from './report.ts'
import { sarif } from './sarif.ts'
import { facts, pod } from './testing/facts.ts'

const about = { version: '1.0.0', cluster: 'a.test:6443/x' }

interface Log {
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } }
    readonly results: readonly {
      readonly ruleId: string
      readonly message: { readonly text: string }
      readonly locations: readonly {
        readonly physicalLocation?: { readonly artifactLocation: { readonly uri: string } }
      }[]
    }[]
  }[]
}

const report = audit(
  facts(
    [
      pod('a', 'x', { node: 'n1' }),
      pod('b', 'leak', { runtimeClass: 'gvisor', privileged: true }),
      pod('b', 'liar', { runtimeClass: 'gvisor' }),
      pod('b', 'odd', { runtimeClass: 'mystery', node: 'spoofed](https://evil.test) \ud800' }),
    ],
    {
      inside: new Map([['b/liar', { bootId: 'boot-n1' }]]),
      missing: [{ what: 'rbac', why: 'no', consequence: 'unknown', understates: false }],
    }
  ),
  { trustedNamespaces: new Set(), changes: 1 }
)
const [run] = (sarif(report, about) as Log).runs

it('is told as SARIF, one result for each thing to mend', () => {
  expect(run?.results.map(({ ruleId }) => ruleId)).toEqual([
    'exposed-kernel',
    'exposed-kernel',
    'way-around',
    'pretending-runtime-class',
    'unknown-handler',
  ])
  expect(run).toMatchObject({
    automationDetails: { id: 'bulkhead-audit/a.test%3A6443%2Fx/' },
    invocations: [{ toolExecutionNotifications: [{ level: 'warning' }] }],
    results: [{ level: 'error', properties: { blastRadius: 3, tenants: ['a', 'b'] } }, {}, {}, {}, {}],
  })
})

it('has an address for every result: GitHub refuses the whole file for one without', () => {
  for (const { locations, ruleId } of run?.results ?? []) {
    expect(run?.tool.driver.rules.map(({ id }) => id)).toContain(ruleId)
    expect(locations[0]?.physicalLocation?.artifactLocation.uri).toMatch(/^[a-z]+\/[^\s]+$/)
  }
})

it('makes no links of names', () => {
  const texts = run?.results.map(({ message }) => message.text).join() ?? ''
  expect(texts).toContain('spoofed\\](https')
  expect(texts).not.toMatch(/[^\\]\]\(/)
})
