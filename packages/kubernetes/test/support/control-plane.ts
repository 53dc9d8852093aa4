import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import {
  type ClientDefaults,
  kubeconfigAccess,
  type OpenedApiClient,
  openApiClient,
  type RequesterOptions,
  systemClock,
} from '../../src/controller/index.ts'

const run = promisify(execFile)

/** The folders with the programs kube-apiserver and etcd, as in PATH. */
const folders = (process.env.BULKHEAD_TEST_KUBERNETES ?? '').split(path.delimiter).filter(Boolean)
const find = (name: string) => folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file))

/** Why tests against a real API server cannot run here; undefined: they can. */
export function missingControlPlane(): string | undefined {
  if (folders.length === 0) return 'BULKHEAD_TEST_KUBERNETES names no folder with kube-apiserver and etcd'
  const missing = ['kube-apiserver', 'etcd'].filter((name) => !find(name))
  return missing.length === 0 ? undefined : `${missing.join(' and ')} not found in ${folders.join(', ')}`
}

/** Prints the reason once, where a test run is read. Usage: `describe.skipIf(skipped())`. */
export function skipped(): boolean {
  const reason = missingControlPlane()
  if (reason) process.stderr.write(`skipped: ${reason}\n`)
  return reason !== undefined
}

interface Program {
  start(): Promise<void>
  /** Throws, with the end of its log, when it has ended by itself. */
  assertRunning(): void
  /** With SIGKILL. Resolves when it is gone. */
  kill(): Promise<void>
}

/** A request as the API server itself recorded it when it had answered. */
export interface Audited {
  readonly verb: string
  /** The client's User-Agent. */
  readonly agent: string
  readonly resource: string
  readonly name: string
  readonly code: number
}

/** A real etcd and API server on loopback, for one test file. */
export interface ControlPlane extends AsyncDisposable {
  readonly etcd: Program
  readonly apiServer: Program
  /** The API server's port. */
  readonly port: number
  readonly kubeconfig: string
  /** Resolves when the API server says that it is ready. */
  ready(): Promise<void>
  /** As an administrator. `port`: that of something in between. */
  client(
    options?: Partial<RequesterOptions> & { readonly port?: number; readonly defaults?: ClientDefaults }
  ): Promise<OpenedApiClient>
  /** Writes to config maps, in the order they were answered. */
  audited(): readonly Audited[]
}

export interface ControlPlaneOptions {
  /** Have the API server give Pods the token of their service account, which must then exist, as clusters do. Default false. */
  readonly accountTokens?: boolean
  /** Admission plugins to turn on beside the default ones. */
  readonly plugins?: readonly string[]
}

export async function openControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const folder = mkdtempSync(path.join(tmpdir(), 'bulkhead-control-plane-'))
  await using undo = new AsyncDisposableStack()
  undo.defer(() => rm(folder, { recursive: true, force: true }))
  const file = (name: string) => path.join(folder, name)
  const [etcdPort, peerPort, port] = await freePorts(3)
  await makeCertificates(folder)
  await writeFile(file('audit-policy.json'), JSON.stringify(auditPolicy))
  await writeFile(file('kubeconfig'), JSON.stringify(kubeconfig(folder, port)))

  const etcd = program(folder, 'etcd', [
    `--data-dir=${file('etcd')}`,
    `--listen-client-urls=http://127.0.0.1:${etcdPort}`,
    `--advertise-client-urls=http://127.0.0.1:${etcdPort}`,
    `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${peerPort}`,
    `--initial-cluster=default=http://127.0.0.1:${peerPort}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ])
  const apiServer = program(folder, 'kube-apiserver', [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${file('serving')}`,
    `--client-ca-file=${file('ca.crt')}`,
    `--tls-cert-file=${file('server.crt')}`,
    `--tls-private-key-file=${file('server.key')}`,
    `--service-account-key-file=${file('accounts.key')}`,
    `--service-account-signing-key-file=${file('accounts.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--authorization-mode=RBAC',
    '--endpoint-reconciler-type=none',
    // As clusters have it: what is refused is refused by what is tested.
    '--allow-privileged=true',
    ...(options.accountTokens ? [] : ['--disable-admission-plugins=ServiceAccount']),
    ...(options.plugins ? [`--enable-admission-plugins=${options.plugins.join(',')}`] : []),
    `--audit-policy-file=${file('audit-policy.json')}`,
    `--audit-log-path=${file('audit.log')}`,
    // Requests are recorded before they are answered: what was read of an answer is in the log.
    '--audit-log-mode=blocking-strict',
  ])
  undo.defer(() => etcd.kill())
  undo.defer(() => apiServer.kill())
  await etcd.start()
  await apiServer.start()

  const client: ControlPlane['client'] = async ({ port: other, ...options } = {}) => {
    const access = await kubeconfigAccess({ clock: systemClock, file: file('kubeconfig') })
    const server = other ? new URL(`https://127.0.0.1:${other}`) : access.server
    return openApiClient({ access: { ...access, server }, clock: systemClock, ...options })
  }
  const plane: Omit<ControlPlane, keyof AsyncDisposable> = {
    etcd,
    apiServer,
    port,
    kubeconfig: file('kubeconfig'),
    client,
    audited: () => readAudit(file('audit.log')),
    ready: async () => {
      await using asking = await client()
      // Nothing tells when another program is ready: it has to be asked.
      for (;;) {
        etcd.assertRunning()
        apiServer.assertRunning()
        if (await asking.client.getText('/readyz', { retry: false }).then(Boolean, () => false)) return
        await sleep(100)
      }
    },
  }
  await plane.ready()
  const owned = undo.move()
  return { ...plane, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

function program(folder: string, name: string, args: readonly string[]): Program {
  let child: ChildProcess | undefined
  const logFile = path.join(folder, `${name}.log`)
  return {
    assertRunning: () => {
      if (!child || (child.exitCode === null && child.signalCode === null)) return
      throw new Error(`${name} ended by itself: ${readFileSync(logFile, 'utf8').slice(-1000)}`)
    },
    start: async () => {
      const started = spawn(find(name) as string, args, {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const log = createWriteStream(logFile, { flags: 'a' })
      started.stdout.pipe(log, { end: false })
      started.stderr.pipe(log, { end: false })
      await once(started, 'spawn')
      child = started
    },
    kill: async () => {
      const running = child
      child = undefined
      if (!running || running.exitCode !== null || running.signalCode !== null) return
      const gone = once(running, 'exit')
      running.kill('SIGKILL')
      await gone
    },
  }
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<[number, number, number]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    })
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports as [number, number, number]
}

async function makeCertificates(folder: string): Promise<void> {
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc']
  const days = ['-days', '2']
  await openssl('req', '-x509', ...key, ...days, '-subj', '/CN=test-ca', '-keyout', 'ca.key', '-out', 'ca.crt')
  const signed = (name: string, subject: string, ...extensions: string[]) =>
    openssl(
      ...['req', '-x509', ...key, ...days, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-subj', subject],
      ...['-keyout', `${name}.key`, '-out', `${name}.crt`, '-addext', 'basicConstraints=critical,CA:FALSE'],
      ...extensions.flatMap((extension) => ['-addext', extension])
    )
  await signed('server', '/CN=kube-apiserver', 'subjectAltName=IP:127.0.0.1')
  await signed('admin', '/O=system:masters/CN=admin', 'extendedKeyUsage=clientAuth')
  // In the form of SEC 1: from a PKCS 8 key the API server does not derive the public one.
  await openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'accounts.key')
}

function kubeconfig(folder: string, port: number): object {
  const read = (name: string) => readFileSync(path.join(folder, name)).toString('base64')
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    clusters: [
      { name: 'test', cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': read('ca.crt') } },
    ],
    users: [
      { name: 'admin', user: { 'client-certificate-data': read('admin.crt'), 'client-key-data': read('admin.key') } },
    ],
  }
}

const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    {
      level: 'Metadata',
      verbs: ['create', 'update', 'patch', 'delete'],
      resources: [{ group: '', resources: ['configmaps'] }],
    },
    { level: 'None' },
  ],
}

function readAudit(file: string): Audited[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .map(({ verb, userAgent, objectRef, responseStatus }) => ({
      verb,
      agent: userAgent,
      resource: objectRef.resource,
      name: objectRef.name ?? '',
      code: responseStatus?.code,
    }))
}
