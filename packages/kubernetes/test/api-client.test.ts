import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ApiClient,
  applyPatch,
  configMaps,
  EventRecorder,
  events,
  isAlreadyExists,
  isConflict,
  isInvalid,
  isNotFound,
  isVersionTooLarge,
  jsonPatch,
  mergePatch,
  namespaces,
  pods,
  pointer,
  systemClock,
  toFailure,
} from '../src/controller/index.ts'
import { type ControlPlane, openControlPlane, skipped } from './support/control-plane.ts'
import { configMap, inParallel } from './support/informed.ts'

describe.skipIf(skipped())('a client of a real API server', () => {
  let plane: ControlPlane
  let client: ApiClient
  const undo = new AsyncDisposableStack()

  beforeAll(async () => {
    plane = undo.use(await openControlPlane())
    client = undo.use(await plane.client({ defaults: { fieldManager: 'test' } })).client
  })
  afterAll(() => undo.disposeAsync())

  it('tells apart why a write was refused', async () => {
    const made = await client.create(configMaps, configMap('a'))
    expect(made).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' })
    await expect(client.create(configMaps, configMap('a'))).rejects.toSatisfy(isAlreadyExists)
    await client.replace(configMaps, { ...made, data: { value: '1' } })
    await expect(client.replace(configMaps, { ...made, data: { value: '2' } })).rejects.toSatisfy(isConflict)
    const stale = mergePatch({ metadata: { resourceVersion: made.metadata.resourceVersion }, data: { value: '3' } })
    await expect(client.patch(configMaps, made.metadata, stale)).rejects.toSatisfy(isConflict)
    const other = { preconditions: { uid: '00000000-0000-0000-0000-000000000000' } }
    await expect(client.delete(configMaps, made.metadata, other)).rejects.toSatisfy(isConflict)
    await expect(client.create(configMaps, configMap('No_Name'))).rejects.toSatisfy(isInvalid)
    await client.delete(configMaps, made.metadata, { preconditions: { uid: made.metadata.uid } })
    const missing = await client.get(configMaps, made.metadata).catch((error) => error)
    expect(isNotFound(missing)).toBe(true)
    expect(toFailure(missing)).toMatchObject({ code: 'cluster_request_failed', facts: { code: 404 } })
  })

  it('counts right when many change one object', async () => {
    await client.create(configMaps, configMap('counter'))
    const name = { namespace: 'default', name: 'counter' }
    let conflicts = 0
    await inParallel(Array(60).keys(), 8, async () => {
      for (;;) {
        const read = await client.get(configMaps, name)
        const next = { ...read, data: { value: String(Number(read.data?.value) + 1) } }
        try {
          await client.replace(configMaps, next)
          return
        } catch (error) {
          if (!isConflict(error)) throw error
          conflicts += 1
        }
      }
    })
    expect((await client.get(configMaps, name)).data).toEqual({ value: '60' })
    expect(conflicts).toBeGreaterThan(0)
  })

  it('patches in every form', async () => {
    const { metadata } = await client.create(configMaps, configMap('patched'))
    await client.patch(configMaps, metadata, mergePatch({ data: { merged: 'yes', value: null } }))
    const label = pointer('metadata', 'labels')
    await client.patch(configMaps, metadata, jsonPatch({ op: 'add', path: label, value: { 'a.b/c': 'd' } }))
    const mine = { data: { applied: 'yes' } }
    await client.patch(configMaps, metadata, applyPatch(mine))
    const theirs = client.patch(configMaps, metadata, applyPatch({ data: { applied: 'no' } }), {
      fieldManager: 'other',
    })
    await expect(theirs).rejects.toSatisfy(isConflict)
    const forced = await client.patch(configMaps, metadata, applyPatch({ data: { applied: 'no' } }, { force: true }), {
      fieldManager: 'other',
    })
    expect(forced.data).toEqual({ merged: 'yes', applied: 'no' })
    expect(forced.metadata.labels).toEqual({ 'a.b/c': 'd' })
    const failing = jsonPatch({ op: 'test', path: '/data/applied', value: 'yes' })
    await expect(client.patch(configMaps, metadata, failing)).rejects.toMatchObject({ code: 422 })
  })

  it('changes the status alone, and waits for who still needs a deleted object', async () => {
    const pod = await client.create(pods, {
      metadata: { namespace: 'default', name: 'p', finalizers: ['bulkhead.dev/test'] },
      spec: { containers: [{ name: 'c', image: 'none' }] },
    })
    const status = mergePatch({ spec: { nodeName: 'ignored' }, status: { message: 'hello' } })
    const changed = await client.patch(pods, pod.metadata, status, { subresource: 'status' })
    expect([changed.status?.message, changed.spec?.nodeName]).toEqual(['hello', undefined])
    const deleting = await client.delete(pods, pod.metadata, { gracePeriodSeconds: 0 })
    expect(deleting?.metadata.deletionTimestamp).toBeTruthy()
    await client.patch(pods, pod.metadata, mergePatch({ metadata: { finalizers: null } }))
    await expect(client.get(pods, pod.metadata)).rejects.toSatisfy(isNotFound)
  })

  it('stores nothing in a dry run, and can be strict about fields', async () => {
    await client.create(configMaps, configMap('dry'), { dryRun: true })
    await expect(client.get(configMaps, { namespace: 'default', name: 'dry' })).rejects.toSatisfy(isNotFound)
    const typo = { ...configMap('typo'), dataa: {} }
    await expect(client.create(configMaps, typo, { fieldValidation: 'Strict' })).rejects.toMatchObject({ code: 400 })
  })

  // That one is not there any more is seen by the informer, after a restart of the API server.
  it('says when a version is not there yet', async () => {
    const list = client.list(configMaps, {
      resourceVersion: '999999999',
      resourceVersionMatch: 'NotOlderThan',
      limit: 1,
    })
    await expect(list).rejects.toSatisfy(isVersionTooLarge)
  })

  it('lists objects of cluster scope, with what they are', async () => {
    const { items } = await client.list(namespaces)
    expect(items.find(({ metadata }) => metadata.name === 'default')).toMatchObject({
      apiVersion: 'v1',
      kind: 'Namespace',
    })
  })

  it('records events that the API server accepts, and counts on them', async () => {
    const about = await client.create(configMaps, configMap('eventful'))
    const recorder = new EventRecorder({
      client,
      clock: systemClock,
      reportingController: 'test-controller',
      reportingInstance: 'test-1',
      refreshMs: 0,
    })
    const event = { type: 'Warning', reason: 'Tested', action: 'Test', note: 'as it should be' } as const
    recorder.record(about, event)
    recorder.record(about, event)
    const counted = async () => {
      const { items } = await client.list(events, { namespace: 'default', fieldSelector: 'reason=Tested' })
      return items.map(({ series, note, regarding }) => [series?.count, note, regarding?.name])
    }
    while ((await counted())[0]?.[0] !== 2);
    await recorder[Symbol.asyncDispose]()
    expect(await counted()).toEqual([[2, 'as it should be', 'eventful']])
  })
})
