import { expect, it } from 'vitest'
import { samplesOf, total } from './metrics-text.ts'

const text = `# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{code="200",method="GET"} 12
requests_total{code="201",method="POST"} 3
requests_total_of_others{code="200"} 99
requests 4
spoken{what="a \\"quoted\\" {brace}, a comma",other=""} 1.5e+3
`

it('reads the samples of one metric, and of none that begins alike', () => {
  expect(samplesOf(text, 'requests_total')).toEqual([
    { labels: { code: '200', method: 'GET' }, value: 12 },
    { labels: { code: '201', method: 'POST' }, value: 3 },
  ])
  expect(total(samplesOf(text, 'requests_total'))).toBe(15)
})

it('reads what has no labels, and labels with anything in them', () => {
  expect(samplesOf(text, 'requests')).toEqual([{ labels: {}, value: 4 }])
  expect(samplesOf(text, 'spoken')).toEqual([
    { labels: { what: 'a \\"quoted\\" {brace}, a comma', other: '' }, value: 1500 },
  ])
})

it('finds nothing where nothing is', () => {
  expect(samplesOf(text, 'unknown')).toEqual([])
  expect(samplesOf('', 'unknown')).toEqual([])
})
