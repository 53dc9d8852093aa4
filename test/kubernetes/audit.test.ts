import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ExitCode } from '../../packages/cli/src/exit-code.ts'
import type { AuditReport } from '../../packages/kubernetes/src/audit/index.ts'
import { busyboxImage, openCluster, type TestCluster, whyNotHere } from '../../tools/cluster/test-cluster.ts'

const minutes = 60_000
const main = path.resolve(import.meta.dirname, '../../packages/cli/src/main.ts')
const rbac = 'rbac.authorization.k8s.io'

const reason = await whyNotHere(AbortSignal.timeout(minutes))
if (reason) process.stderr.write(`test/kubernetes/audit is skipped, because ${reason}\n`)

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}
interface Container {
  readonly [member: string]: unknown
}

const pod = (namespace: string, name: string, spec: object = {}, container: Container = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace, name },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image: busyboxImage, command: ['sleep', '3600'], ...container }],
    ...spec,
  },
})
const gvisor = { runtimeClassName: 'gvisor' }
const onFakeNode = {
  nodeSelector: { type: 'kwok' },
  tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists' }],
}
const hostPath = { volumes: [{ name: 'host', hostPath: { path: '/tmp' } }] }
const mounted = (readOnly: boolean) => ({ volumeMounts: [{ name: 'host', mountPath: '/host', readOnly }] })
const runtimeClass = (name: string, handler: string) => ({
  apiVersion: 'node.k8s.io/v1',
  kind: 'RuntimeClass',
  metadata: { name },
  handler,
})

const tenants = ['shop', 'agents']
const objects = [
  runtimeClass('posing', 'runc'),
  runtimeClass('mystery', 'frobnicate'),
  { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'shop', name: 'db' }, stringData: { password: 'x' } },
  {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRole',
    metadata: { name: 'secrets' },
    rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }],
  },
  {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: 'secrets' },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'secrets' },
    subjects: [{ kind: 'ServiceAccount', namespace: 'shop', name: 'default' }],
  },
  pod('shop', 'web', {}, { env: [{ name: 'P', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } }] }),
  pod('shop', 'privileged', { hostPID: true }, { securityContext: { privileged: true } }),
  pod('agents', 'agent', { ...gvisor, automountServiceAccountToken: false }),
  pod('agents', 'reading', { ...gvisor, ...hostPath }, mounted(true)),
  pod('agents', 'leaking', { ...gvisor, ...hostPath }, mounted(false)),
  pod('agents', 'posing', { runtimeClassName: 'posing' }),
  pod('agents', 'mystery', { runtimeClassName: 'mystery', ...onFakeNode }),
]

describe.skipIf(reason !== undefined)('bulkhead audit', () => {
  let cluster: TestCluster
  beforeAll(async () => {
    cluster = await openCluster({ nodes: 2, fakeNodes: 1 }, AbortSignal.timeout(30 * minutes))
    const apply = (items: readonly object[]) =>
      cluster.kubectlInput(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }), 'apply', '-f', '-')
    await apply(tenants.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })))
    for (const tenant of tenants)
      await cluster.kubectl('wait', `--namespace=${tenant}`, '--for=create', 'serviceaccount/default', '--timeout=60s')
    await apply(objects)
    await cluster.kubectl('wait', '-A', '--for=condition=Ready', 'pod', '--all', '--timeout=120s')
  }, 10 * minutes)
  afterAll(() => cluster?.[Symbol.asyncDispose](), 2 * minutes)

  const bulkhead = async (...args: string[]): Promise<Ended> => {
    try {
      const done = await promisify(execFile)(process.execPath, [main, 'audit', ...args], { maxBuffer: 1e8 })
      return { code: 0, ...done }
    } catch (error) {
      return error as Ended
    }
  }
  const audit = (...args: string[]) => bulkhead('--kubeconfig', cluster.kubeconfig, ...args)
  const report = async (...args: string[]): Promise<AuditReport> => JSON.parse((await audit('--json', ...args)).stdout)
  /** A kubeconfig of a service account that may do what `rules`, a ClusterRole as text, allow. */
  const userWith = async (name: string, role?: string): Promise<string> => {
    await cluster.kubectl('create', 'serviceaccount', name)
    if (role) {
      const created = await cluster.kubectlInput(role, 'apply', '-f', '-', '-o', 'jsonpath={.metadata.name}')
      await cluster.kubectl(
        'create',
        'clusterrolebinding',
        name,
        `--clusterrole=${created}`,
        `--serviceaccount=default:${name}`
      )
    }
    const config = JSON.parse(await cluster.kubectl('config', 'view', '--raw', '-o', 'json'))
    const token = await cluster.kubectl('create', 'token', name)
    const file = path.join(cluster.folder, `kubeconfig-${name}`)
    await writeFile(
      file,
      JSON.stringify({ ...config, users: config.users.map((user: object) => ({ ...user, user: { token } })) })
    )
    return file
  }

  it('says which pods are on which kernel, what lies in them, and what falls together', async () => {
    const { totals, kernels, unknownHandlers, missing, accounts, maxBlastRadius } = await report()
    expect(missing).toEqual([])
    expect(totals).toMatchObject({ nodes: 3, pods: 7, pending: 0, tenants: 2, ownKernel: 3, bypassed: 1, sharing: 4 })
    expect(unknownHandlers).toEqual(['frobnicate'])
    // The cluster's nodes are containers on this machine: they tell its boot id, and it is one kernel that all of them fall with.
    const [machine, fake] = kernels
    const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
    expect(machine).toMatchObject({ nodes: ['node-1', 'node-2'], bootId, exposed: true })
    expect(machine?.radius).toMatchObject({
      pods: 6,
      tenants: ['agents', 'shop'],
      serviceAccounts: ['shop/default'],
      worstPower: 'read secrets',
      secrets: ['shop/db'],
      privileged: ['shop/privileged'],
    })
    expect(machine?.radius.hostAccess.toSorted()).toEqual(['agents/leaking', 'agents/reading', 'shop/privileged'])
    expect(fake).toMatchObject({ exposed: true, pods: [{ name: 'mystery', kernel: 'unknown' }] })
    expect(maxBlastRadius).toBe(6)
    // Every account may ask what it may do, by a role of Kubernetes' own: that opens nothing.
    expect(accounts).toMatchObject([{ name: 'shop/default', cluster: ['read secrets'] }])
  })

  it('ends with 3 when more falls with a kernel than is allowed', async () => {
    expect(await audit('--max-blast-radius', '6')).toMatchObject({ code: ExitCode.success })
    const exceeded = await audit('--max-blast-radius', '5')
    expect(exceeded).toMatchObject({ code: ExitCode.violated, stderr: expect.stringContaining('6 pods') })
    expect(await audit('--max-blast-radius', 'x')).toMatchObject({ code: ExitCode.failed, stderr: /invalid_request/ })
  })

  it('writes a page and SARIF, or says why not', async () => {
    const [page, log] = ['page.html', 'audit.sarif'].map((name) => path.join(cluster.folder, name)) as [string, string]
    expect(await audit('--html', page, '--sarif', log)).toMatchObject({ code: 0, stderr: '' })
    expect(await readFile(page, 'utf8')).toContain('agents/leaking')
    const ids = JSON.parse(await readFile(log, 'utf8')).runs[0].results.map(({ ruleId }: { ruleId: string }) => ruleId)
    expect(ids).toEqual(['exposed-kernel', 'exposed-kernel', 'way-around', 'unknown-handler'])
    const nowhere = await audit('--html', path.join(cluster.folder, 'no', 'page.html'))
    expect(nowhere).toMatchObject({ code: ExitCode.failed, stderr: expect.stringContaining('destination_unusable') })
  })

  it('asks pods themselves, and catches a RuntimeClass that lies', async () => {
    const honest = await report('--probe')
    expect(honest.probe).toMatchObject({
      answered: 6,
      pretending: [],
      alike: [],
      unexpected: [],
      silent: [{ why: 'the API server does not reach the kubelet of its node', pods: 1, first: ['agents/mystery'] }],
    })
    const lying = await audit('--probe', '--json', '--handler', 'runc=hardware')
    expect(lying.code).toBe(ExitCode.violated)
    const { probe, totals }: AuditReport = JSON.parse(lying.stdout)
    expect(probe?.pretending).toMatchObject([{ pod: 'agents/posing', runtimeClass: 'posing' }])
    expect(totals).toMatchObject({ ownKernel: 3, sharing: 4 })
  })

  it('needs the role it prints, and no more', async () => {
    const kubeconfig = await userWith('auditor', (await bulkhead('--print-role')).stdout)
    const read = async (...args: string[]) => await bulkhead('--kubeconfig', kubeconfig, '--json', ...args)
    const { code, stdout } = await read('--max-blast-radius', '6')
    expect(code).toBe(ExitCode.success)
    expect(JSON.parse(stdout)).toEqual(await report())
    const probed: AuditReport = JSON.parse((await read('--probe')).stdout)
    expect(probed.probe).toMatchObject({
      answered: 0,
      silent: [{ pods: 7, why: expect.stringContaining('pods/exec') }],
    })
    const probing = await userWith('prober', (await bulkhead('--print-role', '--probe')).stdout)
    const { probe }: AuditReport = JSON.parse((await bulkhead('--kubeconfig', probing, '--json', '--probe')).stdout)
    expect(probe?.answered).toBe(6)
  })

  it('says what it may not see, and is never silently less', async () => {
    const role = {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata: { name: 'pods-only' },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }],
    }
    const partial = await userWith('partial', JSON.stringify(role))
    const { code, stdout, stderr } = await bulkhead('--kubeconfig', partial, '--json', '--max-blast-radius', '7')
    // Seen as two nodes with fewer pods each, it is within the limit: that is not proven.
    expect(code).toBe(ExitCode.unknown)
    expect(stderr).toContain('nodes')
    const { missing, unseenRuntimeClasses, totals }: AuditReport = JSON.parse(stdout)
    expect(missing.map(({ what }) => what)).toEqual(['nodes', 'rbac', 'runtimeclasses'])
    expect(unseenRuntimeClasses).toEqual(['gvisor', 'mystery', 'posing'])
    expect(totals.ownKernel).toBe(0)
    const nobody = await bulkhead('--kubeconfig', await userWith('nobody'), '--json')
    expect(nobody).toMatchObject({ code: ExitCode.failed, stdout: '' })
    expect(nobody.stderr).toContain('--print-role')
    expect(nobody.stderr).toContain('cluster_access_denied')
  })
})
