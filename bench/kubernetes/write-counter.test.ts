import { describe, expect, it } from 'vitest'
import { countingFlowSchemas, perThing, sumOf, writesBetween, writesIn } from './write-counter.ts'

const metrics = (patches: number, leases: number) => `
apiserver_flowcontrol_dispatched_requests_total{flow_schema="bulkhead-bench-patch-sandboxes.status",priority_level="workload-low"} ${patches}
apiserver_flowcontrol_dispatched_requests_total{flow_schema="bulkhead-bench-update-leases",priority_level="workload-low"} ${leases}
apiserver_flowcontrol_dispatched_requests_total{flow_schema="service-accounts",priority_level="workload-low"} 1000
apiserver_request_total{code="200",group="agents.x-k8s.io",resource="sandboxes",subresource="status",verb="PATCH"} ${patches}
apiserver_request_total{code="200",resource="pods",verb="POST"} 7
apiserver_request_total{code="200",resource="pods",verb="WATCH"} 40
`

describe('the writes of one account', () => {
  it('are those that fell under its flow schemas, and all others only count among all', () => {
    const between = writesBetween(writesIn(metrics(10, 3)), writesIn(metrics(30, 4)))
    expect(between).toEqual({ counted: { 'patch-sandboxes.status': 20, 'update-leases': 1 }, all: 20 })
    expect(sumOf(between)).toBe(21)
    expect(perThing(between, 10)).toBe('patch-sandboxes.status 2.00, update-leases 0.10')
  })

  it('leave out kinds of which there were none', () => {
    expect(writesBetween(writesIn(metrics(10, 3)), writesIn(metrics(10, 3))).counted).toEqual({})
  })
})

it('has a flow schema of its own for every kind of write, under names that are allowed', () => {
  const names = countingFlowSchemas({ namespace: 'a', name: 'b' }).map(
    (schema) => (schema as { metadata: { name: string } }).metadata.name
  )
  expect(new Set(names).size).toBe(names.length)
  for (const name of names) expect(name).toMatch(/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/)
  expect(names).toContain('bulkhead-bench-patch-sandboxes.status')
  expect(names).toContain('bulkhead-bench-deletecollection-others')
})
