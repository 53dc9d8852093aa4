/** The reader against runtimes that are absent, silent, or wrong: a peer that serves our part of the CRI. What a true one says: test/kubernetes. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http2'
import { createServer as createRawServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isFailure } from '@bulkhead/wire/errors'
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ContainerState, PodSandboxState, RuntimeService } from '../gen/runtime/v1/runtime_pb.ts'
import { type Cri, openCri } from './open-cri.ts'

const patience = () => AbortSignal.timeout(30_000)
const metadata = (name: string) => ({ name, namespace: 'space', uid: `uid-${name}` })
const sandbox = (name: string, state: PodSandboxState = PodSandboxState.SANDBOX_READY) => ({
  id: `sandbox-${name}`,
  metadata: metadata(name),
  state,
  createdAt: 1_700_000_000_000_000_000n,
  runtimeHandler: 'runsc',
})
const container = (name: string, state: ContainerState = ContainerState.CONTAINER_RUNNING) => ({
  id: `container-${name}`,
  podSandboxId: `sandbox-${name}`,
  metadata: { name: 'main' },
  state,
})
const saying = (pid: number) => ({ info: { info: JSON.stringify({ pid, runtimeType: 'io.containerd.runsc.v1' }) } })

let folder: string
let socket: string
let cri: Cri
let server: Server | undefined
let end: () => void = () => {}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-cri-'))
  socket = join(folder, 'cri.sock')
  cri = openCri(socket)
})
afterEach(() => {
  cri[Symbol.dispose]()
  end()
  server?.close()
  rmSync(folder, { recursive: true })
})

async function listen(one: Server): Promise<void> {
  server = one
  const open = new Set<{ destroy(): void }>()
  one.on('connection', (connection) => open.add(connection))
  end = () => {
    for (const connection of open) connection.destroy()
  }
  await new Promise<void>((resolve) => one.listen(socket, resolve))
}

const serve = (calls: Partial<ServiceImpl<typeof RuntimeService>>) =>
  listen(createServer(connectNodeAdapter({ routes: (router) => void router.service(RuntimeService, calls) })))

const codeOf = (pods: Promise<unknown>) =>
  pods.then(
    () => 'answered',
    (error) => (isFailure(error) ? error.code : error)
  )

describe('a runtime that answers', () => {
  it('says what it is', async () => {
    await serve({ version: () => ({ runtimeName: 'containerd', runtimeVersion: '2.2.1' }) })
    expect(await cri.version(patience())).toEqual({ name: 'containerd', version: '2.2.1' })
  })

  it('is asked once for what stays as it is, and again for what it could not say', async () => {
    const asked: string[] = []
    let broken = true
    await serve({
      listPodSandbox: () => ({ items: [sandbox('a'), sandbox('b')] }),
      listContainers: () => ({ containers: [container('a')] }),
      containerStatus: () => saying(8),
      podSandboxStatus: ({ podSandboxId }) => {
        asked.push(podSandboxId)
        if (podSandboxId === 'sandbox-b' && broken) throw new ConnectError('its shim is broken', Code.Unknown)
        return saying(7)
      },
    })
    const first = await cri.listPods(patience())
    expect(first[0]).toMatchObject({
      uid: 'uid-a',
      handler: 'runsc',
      ready: true,
      createdAt: new Date(1_700_000_000_000),
      process: { pid: 7, runtimeType: 'io.containerd.runsc.v1' },
      containers: [{ id: 'container-a', name: 'main', state: 'running', process: { pid: 8 } }],
    })
    expect(first[1]).toMatchObject({ uid: 'uid-b', unsaid: expect.stringContaining('its shim is broken') })
    expect(first[1]).not.toHaveProperty('process')
    broken = false
    const [, second] = await cri.listPods(patience())
    expect(second).toMatchObject({ process: { pid: 7 } })
    expect(asked.sort()).toEqual(['sandbox-a', 'sandbox-b', 'sandbox-b'])
  })

  it('is believed no process of what does not run, also when it did', async () => {
    let state: PodSandboxState = PodSandboxState.SANDBOX_READY
    await serve({
      listPodSandbox: () => ({ items: [sandbox('a', state)] }),
      listContainers: () => ({ containers: [container('a', ContainerState.CONTAINER_EXITED)] }),
      podSandboxStatus: () => saying(7),
    })
    expect((await cri.listPods(patience()))[0]).toMatchObject({ process: { pid: 7 } })
    state = PodSandboxState.SANDBOX_NOTREADY
    const [pod] = await cri.listPods(patience())
    expect(pod).not.toHaveProperty('process')
    expect(pod).toMatchObject({ ready: false, containers: [{ state: 'exited' }] })
  })

  it('does not hide the others behind one that hangs', async () => {
    await serve({
      listPodSandbox: () => ({ items: [sandbox('hangs'), sandbox('a')] }),
      listContainers: () => ({ containers: [] }),
      podSandboxStatus: ({ podSandboxId }) => (podSandboxId === 'sandbox-a' ? saying(7) : new Promise(() => {})),
    })
    const [hangs, a] = await cri.listPods(patience())
    expect(a).toMatchObject({ process: { pid: 7 } })
    expect(hangs).toMatchObject({ unsaid: expect.stringContaining('does not answer') })
  })
})

describe('a runtime that is of no use', () => {
  it('is unreachable without a socket', async () => {
    expect(await codeOf(cri.listPods(patience()))).toBe('cri_unreachable')
  })

  it('is unreachable behind a socket that nobody listens on, and found again when somebody does', async () => {
    expect(await codeOf(cri.version(patience()))).toBe('cri_unreachable')
    await serve({ version: () => ({ runtimeName: 'containerd' }) })
    expect(await codeOf(cri.version(patience()))).toBe('answered')
  })

  it('is unreachable when it is silent', async () => {
    await listen(createRawServer(() => {}))
    expect(await codeOf(cri.listPods(patience()))).toBe('cri_unreachable')
  })

  it('is unreachable when it hangs up', async () => {
    await listen(createRawServer((connection) => connection.destroy()))
    expect(await codeOf(cri.listPods(patience()))).toBe('cri_unreachable')
  })

  it('answers with nothing of use when it speaks another version', async () => {
    await serve({})
    expect(await codeOf(cri.listPods(patience()))).toBe('cri_answer_invalid')
  })

  it.each([
    ['too many pods', { items: Array.from({ length: 5_001 }, (_, at) => sandbox(`${at}`)) }],
    ['a pod without a name', { items: [{ ...sandbox('a'), metadata: metadata('') }] }],
    ['a pod without metadata', { items: [{ id: 'x' }] }],
    ['more than 16 MiB', { items: [{ ...sandbox('a'), runtimeHandler: 'x'.repeat(17 * 1024 * 1024) }] }],
  ])('answers with nothing of use when it lists %s', async (_, answer) => {
    await serve({ listPodSandbox: () => answer, listContainers: () => ({}) })
    expect(await codeOf(cri.listPods(patience()))).toBe('cri_answer_invalid')
  })

  it('is told of as refusing', async () => {
    await serve({
      listContainers: () => {
        throw new ConnectError('not you', Code.PermissionDenied)
      },
    })
    expect(await codeOf(cri.listPods(patience()))).toBe('cri_call_failed')
  })

  it('is no longer asked when nobody waits', async () => {
    await listen(createRawServer(() => {}))
    const reason = new Error('nobody waits')
    expect(await codeOf(cri.listPods(AbortSignal.abort(reason)))).toBe(reason)
  })
})
