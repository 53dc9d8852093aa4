/** What keeps a witness to its node, what it writes, and what the operator makes of it, with a real API server; nodes and their processes are played. */
import { setTimeout as sleep } from 'node:timers/promises'
import { openCri } from '@bulkhead/witness/cri'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type NodeWitnessStatus, nodeWitnesses, sandboxes, type WitnessedPod } from '../src/api/index.ts'
import {
  type ApiClient,
  type KubernetesObject,
  mergePatch,
  namespaces,
  nodes,
  openApiClient,
  pods,
  type ResourceType,
  resourceType,
  type Stored,
  silentLogger,
  systemClock,
  wholeSeconds,
} from '../src/controller/index.ts'
import { runWitness } from '../src/evidence/witness.ts'
import { witnessIdentity } from '../src/evidence/witness-identity.ts'
import { heartbeatMs, WitnessWriter } from '../src/evidence/witness-writer.ts'
import { type Manifest, processManifests, witnessName } from '../src/manifests/index.ts'
import { coreControllers } from '../src/operator/controllers.ts'
import { type ControlPlane, openControlPlane, skipped } from './support/control-plane.ts'
import { installKinds } from './support/install-kinds.ts'
import { startOperator } from './support/running-operator.ts'

const patience = () => AbortSignal.timeout(30_000)
const cri = { name: 'containerd', version: '2' }
const status = (pods: readonly WitnessedPod[], second = 0): NodeWitnessStatus => ({
  observedAt: wholeSeconds(Date.UTC(2026, 0, 1, 0, 0, second)),
  bootID: 'of-node',
  kernelRelease: '6.1',
  runtime: cri,
  mismatches: 0,
  podsLeftOut: 0,
  pods,
})

describe.skipIf(skipped())('witnesses before a real API server', () => {
  let plane: ControlPlane
  let admin: ApiClient
  const undo = new AsyncDisposableStack()

  beforeAll(async () => {
    plane = undo.use(await openControlPlane())
    admin = undo.use(await plane.client()).client
    await installKinds(admin)
    await admin.create(namespaces, { metadata: { name: witnessName } })
    const installed = processManifests({ image: 'none', namespace: 'default', witness: true })
    for (const manifest of installed.filter(({ metadata }) => metadata.name === witnessName)) await create(manifest)
    // An admission policy counts a moment after it was accepted.
    const forged = { metadata: { name: 'nobody' } }
    while (!(await refusal(admin.create(nodeWitnesses, forged, { dryRun: true }))).includes('only the witnesses'))
      await sleep(50)
  })
  afterAll(() => undo.disposeAsync())

  /** Of whatever kind. */
  const create = (manifest: Manifest): Promise<unknown> => {
    const [version = '', group = ''] = manifest.apiVersion.split('/').reverse()
    const plural = `${manifest.kind.toLowerCase()}s`.replace(/ys$/, 'ies')
    const namespaced = manifest.metadata.namespace !== undefined
    return admin.create(resourceType({ group, version, plural, kind: manifest.kind, namespaced }), manifest)
  }

  /** With a token of the witness's account, as the kubelet of that node would have it made; without a node, as somebody who may make tokens. */
  async function clientOf(node: string | undefined): Promise<ApiClient> {
    const bound = node && { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', ...(await podOn(node)) } }
    const requests = resourceType<KubernetesObject & { status?: { token: string } }>({
      group: '',
      version: 'v1',
      plural: `serviceaccounts/${witnessName}/token`,
      kind: 'TokenRequest',
      namespaced: true,
    })
    const { status: made } = await admin.create(requests, {
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { namespace: witnessName },
      spec: { ...bound },
    } as never)
    const server = new URL(`https://127.0.0.1:${plane.port}`)
    const access = {
      server,
      namespace: witnessName,
      // The test's authority is not this machine's.
      tls: async () => ({ rejectUnauthorized: false }),
      headers: async () => ({ authorization: `Bearer ${made?.token}` }),
      refresh: () => {},
    }
    return undo.use(openApiClient({ access, clock: systemClock, defaults: { fieldManager: 'test' } })).client
  }

  async function podOn(node: string): Promise<{ name: string; uid: string }> {
    await admin.create(nodes, { metadata: { name: node } }).catch(() => {})
    const spec = {
      nodeName: node,
      serviceAccountName: witnessName,
      containers: [{ name: 'main', image: 'none' }],
    }
    const { metadata } = await admin.create(pods, {
      metadata: { namespace: witnessName, generateName: 'w-' },
      spec,
    } as never)
    return { name: metadata.name, uid: metadata.uid }
  }

  const refusal = (write: Promise<unknown>): Promise<string> =>
    write.then(
      () => 'accepted',
      (error) => error.message
    )
  const begin = async (node: string) => {
    const client = await clientOf(node)
    const identity = await witnessIdentity(client, patience())
    const writer = new WitnessWriter(client, identity)
    await writer.begin(patience())
    return { client, identity, writer }
  }
  const stored = (name: string) => admin.get(nodeWitnesses, { name })

  it('know their node from the API server, and go with it', async () => {
    const { identity } = await begin('node-a')
    const { metadata } = await admin.get(nodes, { name: 'node-a' })
    expect(identity).toEqual({ node: 'node-a', nodeUid: metadata.uid })
    expect((await stored('node-a')).metadata.ownerReferences).toMatchObject([{ kind: 'Node', uid: metadata.uid }])
  })

  it('write nothing with a token that is bound to no node', async () => {
    const client = await clientOf(undefined)
    await expect(witnessIdentity(client, patience())).rejects.toMatchObject({ code: 'witness_unbound' })
    expect(await refusal(client.create(nodeWitnesses, { metadata: { name: 'node-x' } }))).toContain('its own node only')
  })

  it('speak for no other node, new or known', async () => {
    const { client } = await begin('node-b')
    await begin('node-c')
    expect(await refusal(client.create(nodeWitnesses, { metadata: { name: 'node-d' } }))).toContain('its own node only')
    const forged = mergePatch({ status: { mismatches: 7 } })
    const write = (name: string, options = {}) => client.patch(nodeWitnesses, { name }, forged, options)
    expect(await refusal(write('node-c', { subresource: 'status' }))).toContain('its own node only')
    expect(await refusal(write('node-b', { subresource: 'status' }))).toBe('accepted')
  })

  it('are all that writes, whatever roles others have', async () => {
    await begin('node-e')
    const forged = mergePatch({ status: { mismatches: 7 } })
    const write = admin.patch(nodeWitnesses, { name: 'node-e' }, forged, { subresource: 'status' })
    expect(await refusal(write)).toContain('only the witnesses write')
  })

  it.each([
    ['Pods of a namespace', (client: ApiClient) => client.get(pods, { namespace: 'default', name: 'x' })],
    ['nodes', (client: ApiClient) => client.list(nodes)],
    ['a NodeWitness away', (client: ApiClient) => client.delete(nodeWitnesses, { name: 'node-a' })],
    [
      'Pods into being',
      (client: ApiClient) => client.create(pods, { metadata: { namespace: 'default', name: 'x' } } as never),
    ],
  ])('have no right to get %s', async (_, call) => {
    const { client } = await begin('node-f')
    expect(await refusal(call(client))).toContain('forbidden')
  })

  it('write what has changed, and otherwise from time to time that it has not', async () => {
    const { writer } = await begin('node-g')
    const pod = witnessed('uid', 'a')
    expect(await writer.write(status([pod], 1), 1_000, patience())).toBe(true)
    expect(await writer.write(status([pod], 3), 3_000, patience())).toBe(false)
    expect(await writer.write(status([{ ...pod, verdict: 'Mismatch' }], 5), 5_000, patience())).toBe(true)
    expect(await writer.write(status([{ ...pod, verdict: 'Mismatch' }], 15), 5_000 + heartbeatMs, patience())).toBe(
      true
    )
    expect((await stored('node-g')).status).toMatchObject({
      observedAt: '2026-01-01T00:00:15Z',
      runtime: cri,
      pods: [{ uid: 'uid', verdict: 'Mismatch' }],
    })
    expect(await writer.write(status([], 17), 17_000, patience())).toBe(true)
    expect((await stored('node-g')).status?.pods).toEqual([])
  })

  it('make their object anew when somebody has deleted it', async () => {
    const { writer } = await begin('node-h')
    await admin.delete(nodeWitnesses, { name: 'node-h' })
    expect(await writer.write(status([], 1), 1_000, patience())).toBe(false)
    expect(await writer.write(status([], 2), 2_000, patience())).toBe(true)
    expect((await stored('node-h')).status).toMatchObject({ bootID: 'of-node' })
  })

  it('go on from what a witness before them has written', async () => {
    const first = await begin('node-i')
    await first.writer.write(status([witnessed('uid', 'a')], 1), 1_000, patience())
    const second = await begin('node-i')
    expect(second.writer.last?.pods).toMatchObject([{ uid: 'uid', since: '2026-01-01T00:00:00Z' }])
  })

  it('are silent while the container runtime is', async () => {
    const { client, identity } = await begin('node-l')
    const failed: unknown[] = []
    const stop = new AbortController()
    using cri = openCri('/nonexistent/cri.sock')
    const log = { ...silentLogger, error: (facts: { code?: string }) => void failed.push(facts.code) }
    const view = { look: () => expect.fail('there is nothing to look at') }
    const running = runWitness({ client, identity, cri, view, intervalMs: 10, clock: systemClock, log }, stop.signal)
    await expect.poll(() => failed.length).toBeGreaterThan(2)
    stop.abort()
    await running
    expect(new Set(failed)).toEqual(new Set(['cri_unreachable']))
    expect((await stored('node-l')).status?.observedAt).toBeUndefined()
  })

  describe('and an operator that listens', () => {
    beforeAll(() => {
      undo.use(startOperator(plane, ['--witness'], { core: coreControllers, extensions: [] }))
    })

    const kernel = async (name: string) => (await admin.get(sandboxes, { namespace: 'default', name })).status?.kernel
    /** Runs on that node, by the word of whoever plays its kubelet. */
    async function sandboxOn(node: string, name: string): Promise<Stored<KubernetesObject>> {
      const spec = { podTemplate: { spec: { nodeName: node, containers: [{ name: 'main', image: 'none' }] } } }
      await admin.create(sandboxes, { metadata: { namespace: 'default', name }, spec } as never)
      const at = { namespace: 'default', name }
      await expect.poll(() => admin.get(pods, at).then(Boolean, () => false)).toBe(true)
      const running = {
        phase: 'Running',
        podIP: '10.0.0.1',
        podIPs: [{ ip: '10.0.0.1' }],
        conditions: [{ type: 'Ready', status: 'True' }],
      }
      return admin.patch(pods as ResourceType, at, mergePatch({ status: running }), { subresource: 'status' })
    }

    it('stamps a Sandbox, and puts the stamp right', async () => {
      const { writer } = await begin('node-j')
      const { metadata } = await sandboxOn('node-j', 'good')
      expect(await kernel('good')).toBeUndefined()
      await writer.write(status([witnessed(metadata.uid, 'good')], 1), 1_000, patience())
      const expected = {
        class: 'userspace',
        runtime: 'runsc',
        verdict: 'Isolated',
        reason: 'OwnKernel',
        checkedAt: '2026-01-01T00:00:01Z',
      }
      await expect.poll(() => kernel('good')).toEqual(expected)
      const forged = { status: { kernel: { class: 'hardware', bootID: 'forged' } } }
      await admin.patch(sandboxes, metadata, mergePatch(forged), { subresource: 'status' })
      await expect.poll(() => kernel('good')).toEqual(expected)
    })

    it('removes a stamp that nobody has given', async () => {
      const { metadata } = await sandboxOn('node-without', 'unseen')
      const forged = { status: { kernel: { verdict: 'Isolated' } } }
      await admin.patch(sandboxes, metadata, mergePatch(forged), { subresource: 'status' })
      await expect.poll(() => kernel('unseen')).toBeUndefined()
    })

    it('writes nothing for a heartbeat', async () => {
      const { writer } = await begin('node-k')
      const { metadata } = await sandboxOn('node-k', 'steady')
      const seen = [witnessed(metadata.uid, 'steady')]
      await writer.write(status(seen, 1), 1_000, patience())
      await expect.poll(async () => (await kernel('steady'))?.verdict).toBe('Isolated')
      const before = await admin.get(sandboxes, { namespace: 'default', name: 'steady' })
      for (const beat of [1, 2, 3]) await writer.write(status(seen, 10 * beat), 1_000 + beat * heartbeatMs, patience())
      // What the operator makes of a later change has come: then it has seen the heartbeats, too.
      const bad: WitnessedPod = { ...witnessed('none', 'none'), verdict: 'Unknown' }
      await writer.write(status([...seen, bad], 40), 50_000, patience())
      const { metadata: other } = await sandboxOn('node-k', 'later')
      await writer.write(status([...seen, witnessed(other.uid, 'later')], 41), 51_000, patience())
      await expect.poll(async () => (await kernel('later'))?.verdict).toBe('Isolated')
      expect(await admin.get(sandboxes, { namespace: 'default', name: 'steady' })).toEqual(before)
    })
  })
})

const witnessed = (uid: string, name: string): WitnessedPod => ({
  uid,
  namespace: 'default',
  name,
  class: 'userspace',
  handler: 'runsc',
  verdict: 'Isolated',
  reason: 'OwnKernel',
  since: '2026-01-01T00:00:00Z',
})
