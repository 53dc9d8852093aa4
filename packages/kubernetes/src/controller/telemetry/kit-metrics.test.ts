import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { WorkQueue } from '../queue/work-queue.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { KitMetrics } from './kit-metrics.ts'

async function lines(registry: Registry, about: string): Promise<string[]> {
  const text = await registry.metrics()
  return text.split('\n').filter((line) => line.startsWith(about))
}

it('counts a queue as client-go does, by lane', async () => {
  const registry = new Registry()
  const clock = new ManualClock()
  const queue = new WorkQueue({ clock, metrics: new KitMetrics(registry).queue('claims') })
  queue.add('a', 'background')
  queue.add('b')
  queue.add('b')
  queue.add('a', 'urgent')
  expect(await lines(registry, 'workqueue_depth')).toEqual([
    'workqueue_depth{name="claims",lane="urgent"} 1',
    'workqueue_depth{name="claims",lane="normal"} 1',
    'workqueue_depth{name="claims",lane="background"} 0',
  ])
  clock.advance(2_000)
  await queue.take()
  await queue.take()
  clock.advance(3_000)
  expect(await lines(registry, 'workqueue_unfinished')).toEqual(['workqueue_unfinished_work_seconds{name="claims"} 6'])
  expect(await lines(registry, 'workqueue_longest')).toEqual([
    'workqueue_longest_running_processor_seconds{name="claims"} 3',
  ])
  queue.retry('a')
  queue.done('a')
  queue.done('b')
  expect(await lines(registry, 'workqueue_adds_total')).toEqual(['workqueue_adds_total{name="claims"} 2'])
  expect(await lines(registry, 'workqueue_retries_total')).toEqual(['workqueue_retries_total{name="claims"} 1'])
  expect(await lines(registry, 'workqueue_queue_duration_seconds_sum')).toEqual([
    'workqueue_queue_duration_seconds_sum{name="claims"} 4',
  ])
  expect(await lines(registry, 'workqueue_work_duration_seconds_sum')).toEqual([
    'workqueue_work_duration_seconds_sum{name="claims"} 6',
  ])
  expect((await lines(registry, 'workqueue_depth')).every((line) => line.endsWith(' 0'))).toBe(true)
})

it('counts requests, passes, informers, leadership and events', async () => {
  const registry = new Registry()
  const metrics = new KitMetrics(registry)
  metrics.client('10.0.0.1').requested({ method: 'PATCH', code: '409', tookMs: 4 })
  const controller = metrics.controller('claims')
  for (const outcome of ['success', 'error', 'terminal_error'] as const) {
    controller.started()
    controller.ended(outcome, 10)
  }
  metrics.informer('pods').observe(() => 7)
  metrics.informer('pods').restarted('list', 'gone')
  metrics.leader('operator').leads(true)
  metrics.events().recorded('sent')
  const text = await registry.metrics()
  for (const line of [
    'rest_client_requests_total{code="409",method="PATCH",host="10.0.0.1"} 1',
    'controller_runtime_reconcile_total{controller="claims",result="error"} 2',
    'controller_runtime_reconcile_errors_total{controller="claims"} 2',
    'controller_runtime_terminal_reconcile_errors_total{controller="claims"} 1',
    'controller_runtime_active_workers{controller="claims"} 0',
    'bulkhead_informer_objects{resource="pods"} 7',
    'bulkhead_informer_restarts_total{resource="pods",next="list",reason="gone"} 1',
    'leader_election_master_status{name="operator"} 1',
    'bulkhead_events_recorded_total{outcome="sent"} 1',
  ])
    expect(text).toContain(line)
})
