import { expect, it } from 'vitest'
import type { PodFact } from './facts.ts'
import { htmlPage } from './html-page.ts'
import { audit } from './report.ts'
import { sarif } from './sarif.ts'

const pod = (name: string, more: Partial<PodFact> = {}): PodFact => ({
  namespace: 'a',
  name,
  node: 'n"1',
  workload: `Pod/${name}`,
  serviceAccount: 'default',
  hasToken: false,
  secrets: [],
  hostPaths: [],
  privileged: false,
  hostNamespaces: [],
  ...more,
})
const report = audit(
  {
    pods: [pod('<script>alert(1)</script>'), pod('walled', { runtimeClass: 'gvisor' })],
    nodes: [],
    handlers: new Map([['gvisor', 'runsc']]),
    reach: new Map(),
  },
  { trustedNamespaces: new Set(), changes: 1 }
)

it('escapes the names that tenants choose, and loads nothing', () => {
  const page = htmlPage(report, { cluster: 'https://<b>', at: '2026-01-01T00:00:00Z' })
  expect(page).not.toContain('<script')
  expect(page).not.toContain('<b>')
  expect(page).not.toMatch(/src=|href=|url\(|@import/)
  expect(page).toContain('n&quot;1')
  expect(page.match(/class="pod open" title/g)).toHaveLength(1)
  expect(page.match(/class="pod wall" title/g)).toHaveLength(1)
})

it('is told as SARIF', () => {
  expect(sarif(report, { version: '1.0.0' })).toMatchObject({
    version: '2.1.0',
    runs: [{ results: [{ ruleId: 'exposed-kernel', level: 'warning', properties: { blastRadius: 2 } }] }],
  })
})
