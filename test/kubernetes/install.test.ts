import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Check } from '../../packages/cli/src/doctor/check.ts'
import { ExitCode } from '../../packages/cli/src/exit-code.ts'
import { definitions } from '../../packages/kubernetes/src/manifests/index.ts'
import {
  busyboxImage,
  installedPaths,
  openCluster,
  type TestCluster,
  whyNotHere,
} from '../../tools/cluster/test-cluster.ts'
import { bundle } from '../../tools/operator/bundle.ts'
import { helmProgram } from '../../tools/operator/helm-program.ts'
import { operatorArchive } from '../../tools/operator/image.ts'

const minutes = 60_000
const root = path.resolve(import.meta.dirname, '../..')
const image = 'bulkhead.test/operator:test'
const namespace = 'agent-sandbox-system'
const router = 'sandbox-router'
const operator = 'agent-sandbox-controller'

const reason = await whyNotHere(AbortSignal.timeout(minutes))
if (reason) process.stderr.write(`test/kubernetes is skipped, because ${reason}\n`)

const api = { core: 'agents.x-k8s.io/v1beta1', extensions: 'extensions.agents.x-k8s.io/v1beta1' } as const
const pod = (spec: object = {}) => ({
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image: busyboxImage, command: ['sleep', '3600'] }],
    ...spec,
  },
})
const object = (apiVersion: string, kind: string, name: string, spec: object) => ({
  apiVersion,
  kind,
  metadata: { name },
  spec,
})

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The steps build on one another: a cluster is given an operator, uses it, and is rid of it. */
describe.skipIf(reason !== undefined)('installing into a cluster', () => {
  let cluster: TestCluster
  beforeAll(async () => {
    cluster = await openCluster({ nodes: 1, fakeNodes: 0 }, AbortSignal.timeout(30 * minutes))
    const archive = await operatorArchive({ name: image, version: 'test', root, bundle }, AbortSignal.timeout(minutes))
    const file = path.join(cluster.folder, 'operator.tar')
    await writeFile(file, archive)
    await cluster.loadImage(file)
  }, 10 * minutes)
  afterAll(() => cluster?.[Symbol.asyncDispose](), 2 * minutes)

  const kubectl = (...args: string[]) => cluster.kubectl(...args)
  const apply = (objects: string | object, ...args: string[]) =>
    cluster.kubectlInput(typeof objects === 'string' ? objects : JSON.stringify(objects), 'apply', '-f', '-', ...args)
  const bulkhead = async (...args: string[]): Promise<Ended> => {
    try {
      const main = path.join(root, 'packages/cli/src/main.ts')
      const done = await promisify(execFile)(process.execPath, [main, ...args], { maxBuffer: 1e8 })
      return { code: 0, ...done }
    } catch (error) {
      return error as Ended
    }
  }
  const manifests = async (...args: string[]) => {
    const { code, stdout, stderr } = await bulkhead('kubernetes', 'manifests', '--image', image, '--router', ...args)
    expect(stderr).toBe('')
    expect(code).toBe(ExitCode.success)
    return stdout
  }
  const doctor = async () => {
    const { code, stdout } = await bulkhead('kubernetes', 'doctor', '--kubeconfig', cluster.kubeconfig, '--json')
    const checks: Check[] = JSON.parse(stdout).checks
    return { code, checks, wrong: checks.filter(({ state }) => state !== 'ok').map(({ name }) => name) }
  }
  const uidOf = (what: string) => kubectl('get', what, '-o', 'jsonpath={.metadata.uid}')
  const rolledOut = (name: string) =>
    kubectl('-n', namespace, 'rollout', 'status', `deployment/${name}`, '--timeout=120s')
  /** Runs a script in the container: there is nothing else in it that could be run. */
  const inOperator = async (script: string) =>
    JSON.parse(await kubectl('-n', namespace, 'exec', `deploy/${operator}`, '--', '/usr/bin/node', '-p', script))

  it('doctor says what an empty cluster lacks', async () => {
    const { code, wrong } = await doctor()
    expect(code).toBe(ExitCode.violated)
    const kinds = definitions.map(({ spec }) => `kinds.${spec.names.plural}`)
    expect(wrong).toEqual([...kinds, 'operator', 'operator.leader', 'operator.permissions'])
  })

  it('is one command, and the same a second time', async () => {
    const text = await manifests()
    await apply(text)
    // What a namespace can demand at most of the Pods in it.
    await kubectl('label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted')
    await rolledOut(operator)
    await rolledOut(router)
    const again = (await apply(text)).trimEnd().split('\n')
    // kubectl sends a disruption budget's selector whatever it is.
    const changed = again.filter((line) => !line.endsWith(' unchanged') && !line.startsWith('poddisruptionbudget'))
    expect(changed).toEqual([])
  })

  it('doctor finds nothing wrong afterwards', async () => {
    await expect.poll(async () => (await doctor()).wrong, { timeout: minutes }).toEqual([])
    expect((await doctor()).code).toBe(ExitCode.success)
  })

  it.each([
    ['sandbox', 'one Pod of a wanted shape'],
    ['sandbox.spec.operatingMode', 'Suspended'],
    ['sandbox.spec.podTemplate.spec', 'kubectl explain pod.spec'],
    ['sandboxclaims.spec.lifecycle.ttlSecondsAfterFinished', 'in seconds'],
    ['sandboxtemplate.spec.networkPolicyManagement', 'Unmanaged'],
    ['swp.spec.updateStrategy.type', 'OnReplenish'],
  ])('kubectl explain %s', async (field, text) => {
    expect((await kubectl('explain', field)).replaceAll(/\s+/g, ' ')).toContain(text)
  })

  it('enforces defaults and rules', async () => {
    const spec = { podTemplate: pod(), service: false, operatingMode: 'Suspended' }
    await apply(object(api.core, 'Sandbox', 'ruled', spec))
    expect(await kubectl('get', 'sandbox', 'ruled', '-o', 'jsonpath={.spec.shutdownPolicy}')).toBe('Retain')
    const claims = [
      {
        metadata: { name: 'd' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
      },
    ]
    const changed = object(api.core, 'Sandbox', 'ruled', { ...spec, volumeClaimTemplates: claims })
    await expect(apply(changed)).rejects.toThrow('volumeClaimTemplates is immutable')
    await kubectl('delete', 'sandbox', 'ruled')
  })

  it('runs as nobody, without a shell, in a file system that it cannot write to', async () => {
    const found = await inOperator(`JSON.stringify({
      uid: process.getuid(),
      programs: ['/bin', '/usr/bin'].flatMap((folder) => { try { return fs.readdirSync(folder) } catch { return [] } }),
      written: ['/app/x', '/tmp/x', '/home/x'].filter((file) => { try { fs.writeFileSync(file, ''); return true } catch { return false } }),
      capabilities: /^CapEff:\\s*(\\w+)/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1],
      privileges: /^NoNewPrivs:\\s*(\\d)/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1],
    })`)
    expect(found).toEqual({
      uid: 65_532,
      programs: ['node'],
      written: [],
      capabilities: '0000000000000000',
      privileges: '1',
    })
  })

  it('lets those into the router whom the API server lets forward ports to it, and nobody else', async () => {
    await using undo = new AsyncDisposableStack()
    const env = { ...process.env, KUBECONFIG: cluster.kubeconfig }
    const forward = ['-n', namespace, 'port-forward', 'service/sandbox-router-svc', ':8080']
    const tunnel = spawn(cluster.kubectlPath, forward, { env, stdio: ['ignore', 'pipe', 'inherit'] })
    undo.defer(async () => {
      tunnel.kill()
      await once(tunnel, 'exit')
    })
    const [line] = await once(createInterface(tunnel.stdout), 'line')
    const port = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line)?.[1]
    expect(await (await fetch(`http://127.0.0.1:${port}/healthz`)).json()).toEqual({ status: 'ok' })

    const addressOf = (app: string) =>
      kubectl('-n', namespace, 'get', 'pod', '-l', `app=${app}`, '-o', 'jsonpath={.items[0].status.podIP}')
    await apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'neighbour' }, ...pod() })
    await kubectl('wait', 'pod/neighbour', '--for=condition=Ready', '--timeout=60s')
    const knock = (at: string) => kubectl('exec', 'neighbour', '--', 'nc', '-w', '5', at, '8080', '-e', '/bin/true')
    // The operator's metrics are on the same port: what knocks can open a door.
    await knock(await addressOf(operator))
    await expect(knock(await addressOf(router))).rejects.toThrow('refused')
    await kubectl('delete', 'pod', 'neighbour')
  })

  it('may do what it has to, and no more', async () => {
    const as = ['--as', `system:serviceaccount:${namespace}:${operator}`, '--all-namespaces']
    const may = (verb: string, what: string, ...more: string[]) =>
      kubectl('auth', 'can-i', verb, what, ...more, ...as).then(
        () => true,
        () => false
      )
    expect(await may('create', 'pods')).toBe(true)
    expect(await may('update', 'sandboxes.agents.x-k8s.io', '--subresource=finalizers')).toBe(true)
    const never: [string, string, ...string[]][] = [
      ['get', 'secrets'],
      ['create', 'pods', '--subresource=exec'],
      ['deletecollection', 'pods'],
      ['create', 'clusterroles'],
      ['update', 'nodes'],
    ]
    for (const action of never) expect([action, await may(...action)]).toEqual([action, false])
  })

  it('serves: a claim gets its Sandbox, on a kernel of its own', async () => {
    await apply(object(api.extensions, 'SandboxTemplate', 't', { podTemplate: pod({ runtimeClassName: 'gvisor' }) }))
    await apply(object(api.extensions, 'SandboxWarmPool', 'p', { replicas: 1, sandboxTemplateRef: { name: 't' } }))
    await apply(object(api.extensions, 'SandboxClaim', 'c', { warmPoolRef: { name: 'p' } }))
    await kubectl('wait', 'sandboxclaim/c', '--for=condition=Ready', '--timeout=120s')
    expect(await kubectl('get', 'sandboxclaims')).toMatch(
      /^NAME +READY +SANDBOX +REASON +AGE\nc +True +\S+ +DependenciesReady/
    )
  })

  it('keeps the Pods of a namespace on kernels of their own', async () => {
    const selected = { isolation: 'required' }
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'tenant', labels: selected } })
    const policy = object('bulkhead.dev/v1alpha1', 'IsolationPolicy', 'tenants', {
      namespaceSelector: { matchLabels: selected },
      runtimeClasses: [{ name: 'gvisor', class: 'userspace' }],
      defaultRuntimeClassName: 'gvisor',
    })
    await apply(policy)
    await kubectl('wait', 'isolationpolicy/tenants', '--for=condition=Ready', '--timeout=60s')
    const inTenant = (spec: object, ...args: string[]) =>
      apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'open' }, ...pod(spec) }, '--namespace=tenant', ...args)
    const tried = () => inTenant({ hostPID: true }, '--dry-run=server').catch(String)
    await expect.poll(tried).toContain('denied request: IsolationPolicy "tenants": spec.hostNetwork, hostPID')
    await inTenant({})
    await kubectl('wait', 'pod/open', '--namespace=tenant', '--for=condition=Ready', '--timeout=60s')
    expect(await kubectl('exec', 'open', '--namespace=tenant', '--', 'uname', '-r')).toContain('gvisor')
    expect(await kubectl('explain', 'isopol.spec.podSecurity.allow')).toContain('ServiceAccountToken')
    await kubectl('delete', 'isolationpolicy', 'tenants')
    await kubectl('delete', 'namespace', 'tenant')
  })

  it('doctor sees a permission that is taken away', async () => {
    const rules = '[{"op":"remove","path":"/rules/0"}]'
    await kubectl('patch', 'clusterrole', operator, '--type=json', '-p', rules)
    const { code, checks } = await doctor()
    expect(code).toBe(ExitCode.violated)
    expect(checks.find(({ name }) => name === 'operator.permissions')).toMatchObject({ state: 'fail' })
    await apply(await manifests('--only', 'operator'))
    await expect.poll(async () => (await doctor()).wrong, { timeout: minutes }).toEqual([])
  })

  it('leaves Sandboxes alone when it is removed, and goes on with them when it is back', async () => {
    const sandbox = await kubectl('get', 'sandboxclaim', 'c', '-o', 'jsonpath={.status.sandbox.name}')
    const ids = () => Promise.all([`sandbox/${sandbox}`, `pod/${sandbox}`].map(uidOf))
    const before = await ids()
    const text = await manifests('--only', 'operator')
    await cluster.kubectlInput(text, 'delete', '-f', '-')
    await kubectl('-n', namespace, 'wait', 'pod', '-l', `app=${operator}`, '--for=delete', '--timeout=120s')
    expect(await ids()).toEqual(before)
    expect((await kubectl('exec', sandbox, '--', 'uname', '-r')).trim()).toContain('gvisor')
    // Nobody makes a new one meanwhile.
    await kubectl('delete', 'pod', sandbox)
    await apply(text)
    await kubectl('wait', `pod/${sandbox}`, '--for=create', '--timeout=120s')
    await kubectl('wait', `sandbox/${sandbox}`, '--for=condition=Ready', '--timeout=120s')
    const [sandboxUid, podUid] = await ids()
    expect(sandboxUid).toBe(before[0])
    expect(podUid).not.toBe(before[1])
  })

  it(
    'leaves Sandboxes alone also when Helm installs, upgrades and removes it',
    async () => {
      const program = await helmProgram(installedPaths(), AbortSignal.timeout(10 * minutes))
      const helm = (...args: string[]) =>
        promisify(execFile)(program, [...args, '--kubeconfig', cluster.kubeconfig, '--namespace', namespace], {
          env: { ...process.env, HELM_CONFIG_HOME: cluster.folder, HELM_CACHE_HOME: cluster.folder },
        })
      const chart = path.join(root, 'deploy/helm/bulkhead')
      const values = ['--set', `image=${image},router.access=tunnel`, '--wait', '--timeout=3m']
      const sandbox = await kubectl('get', 'sandboxclaim', 'c', '-o', 'jsonpath={.status.sandbox.name}')
      const ids = () => Promise.all([`sandbox/${sandbox}`, `pod/${sandbox}`].map(uidOf))
      const before = await ids()
      await cluster.kubectlInput(await manifests('--only', 'operator'), 'delete', '-f', '-')
      await helm('install', 'bulkhead', chart, ...values, '--take-ownership')
      await helm('upgrade', 'bulkhead', chart, ...values, '--set', 'replicas=2')
      await expect.poll(async () => (await doctor()).wrong, { timeout: minutes }).toEqual([])
      await helm('uninstall', 'bulkhead', '--wait')
      // Whether the last one could still give its lease back depends on whether its Pod or its permissions went first.
      const { wrong } = await doctor()
      expect(wrong.filter((name) => name !== 'operator.leader')).toEqual(['operator', 'operator.permissions'])
      expect(await ids()).toEqual(before)
    },
    15 * minutes
  )
})
