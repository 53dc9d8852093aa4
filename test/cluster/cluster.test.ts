import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { release } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clusterId } from '../../tools/cluster/plan.ts'
import { findProgramOf, markedProcesses } from '../../tools/cluster/processes.ts'
import { busyboxImage, openCluster, type TestCluster, whyNotHere } from '../../tools/cluster/test-cluster.ts'

const minutes = 60_000
const shape = { nodes: 2, fakeNodes: 5 }

const reason = await whyNotHere(AbortSignal.timeout(minutes))
if (reason) process.stderr.write(`test/cluster is skipped, because ${reason}\n`)

/** A pod that does nothing, unless told otherwise. */
const pod = (name: string, spec: object = {}, labels: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image: busyboxImage, command: ['sleep', '3600'] }],
    ...spec,
  },
})
const container = (command: readonly string[], more: object = {}) => ({
  containers: [{ name: 'main', image: busyboxImage, command, ...more }],
})

describe.skipIf(reason !== undefined)('a cluster on this machine', () => {
  let cluster: TestCluster
  beforeAll(async () => {
    cluster = await openCluster(shape, AbortSignal.timeout(30 * minutes))
  }, 10 * minutes)
  afterAll(() => cluster?.[Symbol.asyncDispose](), 2 * minutes)

  const kubectl = (...args: string[]) => cluster.kubectl(...args)
  const create = async (...objects: object[]) => {
    for (const object of objects) await cluster.kubectlInput(JSON.stringify(object), 'create', '-f', '-')
  }
  const until = (what: string, condition: string) => kubectl('wait', what, `--for=${condition}`, '--timeout=60s')
  const ready = (name: string) => until(`pod/${name}`, 'condition=Ready')
  const exec = (name: string, ...command: string[]) => kubectl('exec', name, '--', ...command)
  const addressOf = async (name: string) => kubectl('get', 'pod', name, '-o', 'jsonpath={.status.podIP}')

  it('has the nodes that were asked for, with gVisor among their runtimes', async () => {
    const { items } = JSON.parse(await kubectl('get', 'nodes', '-o', 'json'))
    const names = items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)
    expect(names.sort()).toEqual(['fake-1', 'fake-2', 'fake-3', 'fake-4', 'fake-5', 'node-1', 'node-2'])
    const handlers = await kubectl('get', 'node', 'node-1', '-o', 'jsonpath={.status.runtimeHandlers[*].name}')
    expect(handlers.split(' ')).toEqual(expect.arrayContaining(['runc', 'runsc']))
  })

  it('gives a gVisor pod a kernel of its own, and any other the node’s', async () => {
    await create(
      pod('isolated', { runtimeClassName: 'gvisor', nodeName: 'node-1' }),
      pod('plain', { nodeName: 'node-2' })
    )
    await Promise.all([ready('isolated'), ready('plain')])
    expect((await exec('isolated', 'uname', '-r')).trim()).toBe('4.19.0-gvisor')
    expect((await exec('plain', 'uname', '-r')).trim()).toBe(release())
  })

  it('brings a pod’s output and exit code back', async () => {
    await create(pod('talker', { ...container(['sh', '-c', 'echo to the log; exit 3']), restartPolicy: 'Never' }))
    await until('pod/talker', 'jsonpath={.status.phase}=Failed')
    expect(await kubectl('logs', 'talker')).toBe('to the log\n')
    expect(await kubectl('get', 'pod', 'talker', '-o', 'jsonpath={..terminated.exitCode}')).toBe('3')
    await expect(exec('isolated', 'sh', '-c', 'exit 4')).rejects.toMatchObject({ code: 4 })
  })

  describe('with a server on one node and clients on both', () => {
    const page = 'from the server'
    beforeAll(async () => {
      const serve = `echo ${page} > /tmp/index.html && httpd -f -p 8080 -h /tmp`
      const readinessProbe = { httpGet: { path: '/index.html', port: 8080 }, periodSeconds: 1 }
      await create(
        pod('server', { ...container(['sh', '-c', serve], { readinessProbe }), nodeName: 'node-2' }, { app: 'server' }),
        {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'server' },
          spec: { selector: { app: 'server' }, ports: [{ port: 80, targetPort: 8080 }] },
        }
      )
      await ready('server')
    }, 2 * minutes)

    const fetch = async (from: string, address: string, port: number) => {
      const request = `printf 'GET /index.html HTTP/1.0\\r\\n\\r\\n' | nc -w 5 ${address} ${port}`
      return (await exec(from, 'sh', '-c', request)).split('\r\n\r\n')[1]
    }

    it.each([
      ['a gVisor pod on the other node', 'isolated'],
      ['a pod on the same node', 'plain'],
      ['itself', 'server'],
    ])('is reached by %s', async (_, client) => {
      const service = await kubectl('get', 'service', 'server', '-o', 'jsonpath={.spec.clusterIP}')
      expect(await fetch(client, await addressOf('server'), 8080)).toBe(`${page}\n`)
      await expect.poll(() => fetch(client, service, 80).catch(String), { timeout: 20_000 }).toBe(`${page}\n`)
    })

    it('sees who asks: no address is translated between pods', async () => {
      const seen = 'netstat -tn | grep :8080'
      const client = exec('plain', 'sh', '-c', `sleep 3 | nc ${await addressOf('server')} 8080`)
      const own = await addressOf('plain')
      await expect.poll(() => exec('server', 'sh', '-c', seen).catch(String), { timeout: 10_000 }).toContain(own)
      await client
    })
  })

  it('lets pods reach the API server as its service', async () => {
    expect(await exec('plain', 'sh', '-c', 'echo $KUBERNETES_SERVICE_HOST')).toBe('10.96.0.1\n')
    const answer = await exec('plain', 'sh', '-c', 'nc -w 5 10.96.0.1 443 < /dev/null && echo open')
    expect(answer.trim()).toBe('open')
  })

  it('binds a claim to a volume that outlives its pod, on whatever node', async () => {
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'kept' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Mi' } } },
    }
    const mounted = (name: string, node: string, command: string, runtimeClassName?: string) =>
      pod(name, {
        ...container(['sh', '-c', command], { volumeMounts: [{ name: 'kept', mountPath: '/kept' }] }),
        volumes: [{ name: 'kept', persistentVolumeClaim: { claimName: 'kept' } }],
        nodeName: node,
        restartPolicy: 'Never',
        ...(runtimeClassName && { runtimeClassName }),
      })
    await create(claim)
    await until('pvc/kept', 'jsonpath={.status.phase}=Bound')
    await create(mounted('writer', 'node-1', 'echo once written > /kept/file', 'gvisor'))
    await until('pod/writer', 'jsonpath={.status.phase}=Succeeded')
    await create(mounted('reader', 'node-2', 'cat /kept/file'))
    await until('pod/reader', 'jsonpath={.status.phase}=Succeeded')
    expect(await kubectl('logs', 'reader')).toBe('once written\n')
  })

  it('runs pods on fake nodes only for those that tolerate them', async () => {
    const tolerations = [{ key: 'kwok.x-k8s.io/node', operator: 'Exists' }]
    await create(pod('pretended', { nodeSelector: { type: 'kwok' }, tolerations }), pod('real'))
    await until('pod/pretended', 'jsonpath={.status.phase}=Running')
    await ready('real')
    expect(await kubectl('get', 'pod', 'pretended', '-o', 'jsonpath={.spec.nodeName}')).toMatch(/^fake-/)
    expect(await kubectl('get', 'pod', 'real', '-o', 'jsonpath={.spec.nodeName}')).toMatch(/^node-/)
  })

  it('keeps its objects and its pods when API server and etcd are killed', { timeout: 3 * minutes }, async () => {
    const uid = () => kubectl('get', 'pod', 'isolated', '-o', 'jsonpath={.metadata.uid}')
    const before = await uid()
    await cluster.restartApiServer()
    await cluster.restartEtcd()
    expect(await uid()).toBe(before)
    expect((await exec('isolated', 'uname', '-r')).trim()).toBe('4.19.0-gvisor')
  })

  it.each(['kube-scheduler', 'kube-controller-manager'])('starts its %s again when that ends', async (program) => {
    const running = () => findProgramOf(markedProcesses(clusterId(cluster.folder)), `control-plane/${program}`, program)
    const before = running()
    process.kill(before?.pid as number, 'SIGKILL')
    await expect.poll(() => running()?.pid).not.toBe(before?.pid)
    await create(pod(`after-${program}`))
    await ready(`after-${program}`)
    await expect.poll(() => running()?.pid, { timeout: 30_000 }).toBeGreaterThan(0)
  })

  it('has a node back after a power cut, and after its kubelet’s end', { timeout: 5 * minutes }, async () => {
    await cluster.killNode('node-2')
    await cluster.startNode('node-2')
    await expect.poll(() => exec('plain', 'uname', '-r').catch(String), { timeout: 60_000 }).toContain(release())
    await cluster.stopNode('node-1')
    await cluster.startNode('node-1')
    // Its pods are started anew, or found, only once it knows of them again.
    await expect.poll(() => exec('isolated', 'uname', '-r').catch(String), { timeout: 60_000 }).toBe('4.19.0-gvisor\n')
  })

  it('shares its network with none that is started at the same time', { timeout: 5 * minutes }, async () => {
    const signal = AbortSignal.timeout(4 * minutes)
    const started = await Promise.allSettled([1, 2].map(() => openCluster({ nodes: 1, fakeNodes: 0 }, signal)))
    const others = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const addresses = [cluster, ...others].map(({ hostAddress }) => hostAddress)
    await Promise.all(others.map((other) => other[Symbol.asyncDispose]()))
    expect(started.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])
    expect(new Set(addresses).size).toBe(3)
  })

  it('leaves nothing behind', { timeout: 2 * minutes }, async () => {
    const { folder } = cluster
    const id = clusterId(folder)
    expect(markedProcesses(id).length).toBeGreaterThan(0)
    await cluster[Symbol.asyncDispose]()
    expect(markedProcesses(id)).toEqual([])
    expect(processesNaming(id)).toEqual([])
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(id)
    expect(readdirSync('/sys/class/net').filter((name) => name.includes(id))).toEqual([])
    expect(globSync(`/run/netns/*${id}*`)).toEqual([])
    expect(globSync(`/sys/fs/cgroup/{,*/}*${id}*`)).toEqual([])
    expect(existsSync(path.dirname(folder))).toBe(false)
  })
})

/** Command lines with the cluster's name in them: also of containers, which bear no marker. */
function processesNaming(id: string): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      } catch {
        return '' // gone since it was listed
      }
    })
    .filter((command) => command.includes(id))
}
