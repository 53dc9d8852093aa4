import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SandboxTemplate, sandboxTemplates } from '../src/api/index.ts'
import {
  type ApiClient,
  isNotFound,
  type Lease,
  leases,
  mergePatch,
  networkPolicies,
  type Stored,
} from '../src/controller/index.ts'
import { type ControlPlane, openControlPlane, skipped } from './support/control-plane.ts'
import { installLooseKinds } from './support/loose-kinds.ts'
import { spawnOperator } from './support/operator-process.ts'

const run = promisify(execFile)
const root = path.resolve(import.meta.dirname, '../../..')
const main = path.join(root, 'packages/kubernetes/src/operator/main.ts')
const leaseName = { namespace: 'default', name: 'a3317529.agent-sandbox.x-k8s.io' }

/** Of a scrape: names with their types, and each sample with its labels. */
function parseMetrics(text: string) {
  const types = new Map<string, string>()
  const samples: { readonly name: string; readonly labels: Record<string, string>; readonly value: number }[] = []
  for (const line of text.split('\n').filter(Boolean)) {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? []
    if (name && type) types.set(name, type)
    if (line.startsWith('#')) continue
    const [, sample, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    if (!sample) throw new Error(`not a sample: ${line}`)
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, of]) => [key, of])
    samples.push({ name: sample, labels: Object.fromEntries(pairs), value: Number(value) })
  }
  return { types, samples }
}

/** Takes spans as OTLP over HTTP has them: the names in the protobuf are plain text. */
async function collectSpans() {
  const bodies: Buffer[] = []
  const server = createServer(async (request, response) => {
    for await (const chunk of request) bodies.push(chunk)
    response.writeHead(request.url === '/v1/traces' ? 200 : 404).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    received: () => Buffer.concat(bodies).toString('latin1'),
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

describe.skipIf(skipped())('the operator as a process', () => {
  let plane: ControlPlane
  let client: ApiClient
  const undo = new AsyncDisposableStack()

  beforeAll(async () => {
    plane = undo.use(await openControlPlane())
    client = undo.use(await plane.client()).client
  })
  afterAll(() => undo.disposeAsync())

  const lease = (): Promise<Stored<Lease>> => client.get(leases, leaseName)
  /** The leader works: it keeps a template's policy. */
  const works = async (name: string) => {
    const template: SandboxTemplate = {
      metadata: { namespace: 'default', name },
      spec: { podTemplate: { spec: { containers: [] } } },
    }
    await client.create(sandboxTemplates, template)
    const policy = { namespace: 'default', name: `${name}-network-policy` }
    await expect
      .poll(() =>
        client.get(networkPolicies, policy).then(
          () => true,
          () => false
        )
      )
      .toBe(true)
  }

  it('is not ready before its kinds are there, and says what is missing', async () => {
    await using operator = spawnOperator(plane, ['--extensions'])
    await operator.says('informer.interrupted', { resource: 'sandboxes.agents.x-k8s.io' })
    const early = await operator.get('health', '/readyz')
    expect(early.status).toBe(503)
    expect(early.body).toMatch(/not synced: .*sandboxes/)
    expect(await operator.get('health', '/healthz')).toEqual({ status: 200, body: 'ok' })
    expect(await lease().then(() => 'held', isNotFound)).toBe(true)
    await installLooseKinds(client)
    await operator.says('operator.synced')
    expect(await operator.get('health', '/readyz')).toEqual({ status: 200, body: 'ok' })
    await operator.says('controller.started')
    operator.signal('SIGTERM')
    expect(await operator.ended).toBe(0)
  })

  it('leads, while another waits with warm caches; hands over when told to end', async () => {
    await using first = spawnOperator(plane, ['--extensions'])
    await first.says('leader.elected')
    await works('first')
    await using second = spawnOperator(plane, ['--extensions'])
    await second.says('operator.synced')
    expect(await second.get('health', '/readyz')).toEqual({ status: 200, body: 'ok' })
    const { holderIdentity } = (await lease()).spec ?? {}
    const metricOf = async (operator: typeof first) => {
      const { samples } = parseMetrics((await operator.get('metrics', '/metrics')).body)
      return samples.find(({ name }) => name === 'leader_election_master_status')?.value
    }
    expect(await metricOf(first)).toBe(1)
    expect(await metricOf(second)).toBe(0)
    expect(second.hasSaid('leader.elected')).toBe(false)

    first.signal('SIGTERM')
    expect(await first.ended).toBe(0)
    // Given back, and not left to run out.
    expect((await lease()).spec?.holderIdentity).not.toBe(holderIdentity)
    await second.says('leader.elected')
    await works('second')
  })

  it('takes over from a leader that was killed', async () => {
    await using first = spawnOperator(plane, ['--extensions'])
    await first.says('leader.elected')
    await using second = spawnOperator(plane, ['--extensions'])
    await second.says('operator.synced')
    first.signal('SIGKILL')
    await first.ended
    await second.says('leader.elected')
    await works('after-kill')
  })

  it('ends with an error when somebody else has its lease', async () => {
    await using operator = spawnOperator(plane, ['--extensions'])
    await operator.says('leader.elected')
    await client.patch(leases, leaseName, mergePatch({ spec: { holderIdentity: 'somebody' } }))
    await operator.says('operator.leadership_lost', { code: 'leadership_lost' })
    expect(await operator.ended).toBe(1)
    await client.delete(leases, leaseName)
  })

  it('opens nothing of the extensions’ kinds without --extensions, and no election when told so', async () => {
    await using operator = spawnOperator(plane, ['-leader-elect=false'])
    await operator.says('operator.synced')
    const { samples } = parseMetrics((await operator.get('metrics', '/metrics')).body)
    const resources = samples
      .filter(({ name }) => name === 'bulkhead_informer_objects')
      .map(({ labels }) => labels.resource)
    expect(resources.toSorted()).toEqual(['pods', 'sandboxes.agents.x-k8s.io', 'services'])
    operator.signal('SIGTERM')
    expect(await operator.ended).toBe(0)
    expect(operator.hasSaid('leader.elected')).toBe(false)
  })

  it('tells its metrics under the names of the API and of Kubernetes’ own components', async () => {
    await using operator = spawnOperator(plane, ['--extensions', '--enable-pprof'])
    await operator.says('controller.started')
    const { types, samples } = parseMetrics((await operator.get('metrics', '/metrics')).body)
    expect(Object.fromEntries(types)).toMatchObject({
      agent_sandbox_claim_startup_latency_ms: 'histogram',
      agent_sandbox_claim_controller_startup_latency_ms: 'histogram',
      agent_sandbox_client_claim_startup_latency_ms: 'histogram',
      agent_sandbox_creation_latency_ms: 'histogram',
      agent_sandbox_claim_creation_total: 'counter',
      agent_sandboxes: 'gauge',
      agent_sandbox_build_info: 'gauge',
      workqueue_depth: 'gauge',
      controller_runtime_reconcile_total: 'counter',
      rest_client_requests_total: 'counter',
      leader_election_master_status: 'gauge',
      bulkhead_informer_objects: 'gauge',
      process_resident_memory_bytes: 'gauge',
    })
    expect(samples.find(({ name }) => name === 'agent_sandbox_build_info')).toMatchObject({
      value: 1,
      labels: { git_version: 'devel', compiler: 'v8', platform: expect.stringMatching(/^linux\//) },
    })
    expect((await operator.get('metrics', '/elsewhere')).status).toBe(404)
    expect((await operator.get('metrics', '/debug/pprof/heap')).status).toBe(404)
    const profile = await operator.get('metrics', '/debug/pprof/profile?seconds=0.1')
    expect(JSON.parse(profile.body)).toMatchObject({ nodes: expect.any(Array), samples: expect.any(Array) })
  })

  it('refuses a command line it does not understand', async () => {
    await expect(run(process.execPath, [main, '--bogus'])).rejects.toMatchObject({
      code: 2,
      stderr: '--bogus: there is no such flag; --help lists them\n',
    })
    const { stdout } = await run(process.execPath, [main, '-help'])
    expect(stdout).toContain('--default-runtime-class string')
  })

  it('says what is wrong with the way to the cluster', async () => {
    await using operator = spawnOperator({ kubeconfig: '/nowhere' }, [])
    await operator.says('operator.failed', { code: 'cluster_config_invalid' })
    expect(await operator.ended).toBe(1)
  })

  it('does the same as one file, which is the same each time it is made', async () => {
    // Below a node_modules that has the reader of kubeconfigs, which is left out of the file.
    await mkdir(path.join(root, '.cache'), { recursive: true })
    const folder = await mkdtemp(path.join(root, '.cache/operator-'))
    await using _removed = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
    const make = async (name: string) => {
      const into = path.join(folder, name)
      const env = { ...process.env, SOURCE_DATE_EPOCH: '0', BULKHEAD_COMMIT: 'c0ffee' }
      await run(process.execPath, [path.join(root, 'tools/operator/bundle.ts'), into], { env })
      return await readFile(path.join(into, 'operator.mjs'))
    }
    const bytes = await make('one')
    expect((await make('two')).equals(bytes)).toBe(true)
    const program = path.join(folder, 'one/operator.mjs')
    const { stdout } = await run(process.execPath, [program, '--version'])
    expect(stdout).toMatch(/^v\d+\.\d+\.\d+ \(c0ffee, 1970-01-01T00:00:00Z, node v/)
    // And its lazy parts are in it.
    await using collector = await collectSpans()
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}` }
    await using operator = spawnOperator(plane, ['--extensions', '--enable-tracing'], { program, env })
    await operator.says('leader.elected')
    await works('bundled')
    operator.signal('SIGTERM')
    expect(await operator.ended).toBe(0)
    expect(collector.received()).toContain('agent-sandbox-controller')
    expect(collector.received()).toContain('POST networkpolicies.networking.k8s.io default/bundled-network-policy')
  })
})
