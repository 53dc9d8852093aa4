import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { audit } from '../report.ts'
import { facts, pod } from '../testing/facts.ts'
import { htmlPage } from './page.ts'

const about = { cluster: 'https://<b>', at: '2026-01-01T00:00:00Z' }
const options = { trustedNamespaces: new Set<string>(), changes: 3 }
const hostile = '<script>alert(1)</script>'
const page = (pods: Parameters<typeof facts>[0], more: Parameters<typeof facts>[1] = {}) =>
  htmlPage(audit(facts(pods, more), options), about)
const cells = (text: string, look: string) =>
  text.slice(text.indexOf('<main')).match(new RegExp(`class="pod ${look}" title`, 'g'))?.length ?? 0

it('escapes the names that tenants choose, whichever they are', () => {
  const text = page(
    [
      pod(hostile, hostile, {
        node: 'n"1',
        workload: hostile,
        serviceAccount: hostile,
        hasToken: true,
        hostPaths: [{ path: hostile, writable: true }],
      }),
      pod('a', 'turned\u202eround\u0000', { node: 'n"1' }),
      pod('a', 'liar', { runtimeClass: 'gvisor' }),
    ],
    {
      reach: new Map([
        [`${hostile}/${hostile}`, { cluster: ['read secrets'], namespaces: new Map([[hostile, ['create pods']]]) }],
      ]),
      missing: [{ what: 'nodes', why: hostile, consequence: 'x', understates: true }],
      inside: new Map([['a/liar', { bootId: 'boot-n1' }]]),
    }
  )
  expect(text).not.toContain('<script')
  expect(text).not.toContain('https://<b>')
  expect(text).not.toMatch(/\u202e|\0/)
  expect(text).toContain('n&quot;1')
})

it('loads nothing, and allows nothing but its own style', () => {
  const text = page([pod('a', 'x')])
  expect(text).not.toMatch(/\b(src|href|style|on[a-z]+)=|url\(|@import/)
  const style = /<style>(.*)<\/style>/s.exec(text)?.[1] ?? ''
  expect(text).toContain(`style-src &#39;sha256-${createHash('sha256').update(style).digest('base64')}&#39;`)
})

it('shows what is open, what has walls, and what has a hole in them', () => {
  const text = page([
    pod('a', 'open'),
    pod('a', 'odd', { runtimeClass: 'mystery' }),
    pod('a', 'walled', { runtimeClass: 'gvisor' }),
    pod('a', 'leaking', { runtimeClass: 'gvisor', hostPaths: [{ path: '/', writable: true }] }),
  ])
  expect(['open', 'unknown', 'wall', 'wall breach'].map((look) => cells(text, look))).toEqual([1, 1, 1, 1])
  expect(text.match(/class="hull flooded"/g)).toHaveLength(1)
  expect(page([pod('a', 'walled', { runtimeClass: 'gvisor' })])).not.toContain('hull flooded')
})

it('draws most of a large fleet small, and names nobody in it', () => {
  const many = Array.from({ length: 500 }, (_, at) => pod('a', `p${at}`, { node: `n${at}` }))
  const text = page(many)
  expect(text).toContain('The other 476 kernels')
  expect(cells(text, 'open')).toBe(500)
  expect(text).not.toContain('>a/p1<')
})
