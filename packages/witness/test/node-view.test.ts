/** What shows of a pod on this machine, played as a node: real processes in real cgroups. Needs root. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CriPod } from '../src/cri/index.ts'
import { NodeView } from '../src/node/index.ts'

/** Version 1 where it controls, as the kubelet does. */
const hierarchy = existsSync('/sys/fs/cgroup/pids') ? '/sys/fs/cgroup/pids' : '/sys/fs/cgroup'

/** This process's world is the node's. */
const openView = () => new NodeView({ nodePid: process.pid })
const sightingOf = (view: NodeView, pod: CriPod) => {
  const [seen] = view.look([pod])
  return seen?.sighting ?? expect.fail('nothing was said of it')
}

describe.skipIf(process.getuid?.() !== 0)('a look at a pod', () => {
  const uid = randomUUID()
  const top = join(hierarchy, `bulkhead-test-${uid.slice(0, 8)}`)
  const cgroup = join(top, 'kubepods', `pod${uid}`)
  let folder: string
  let runsc: string
  let children: ChildProcess[] = []
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bulkhead-node-'))
    runsc = join(folder, 'runsc')
    copyFileSync('/bin/sleep', runsc)
    mkdirSync(join(cgroup, 'container'), { recursive: true })
  })
  afterEach(async () => {
    for (const child of children) if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit')
    children = []
    rmSync(folder, { recursive: true })
    for (const one of [join(cgroup, 'container'), cgroup, join(top, 'kubepods'), top]) await removed(one)
  })

  /** Starts it in the pod's cgroup, or in a folder below; resolves when it runs there. */
  async function start(argv: readonly [string, ...string[]], where: string | undefined = cgroup): Promise<number> {
    const script = 'read -r go; exec "$@"'
    const child = spawn('sh', ['-c', script, 'sh', ...argv], { stdio: ['pipe', 'ignore', 'inherit'] })
    children.push(child)
    await once(child, 'spawn')
    if (where) writeFileSync(join(where, 'cgroup.procs'), String(child.pid))
    child.stdin?.end('go\n')
    const pid = child.pid ?? 0
    // The shell becomes the program, by way of others.
    await expect.poll(() => basename(readlinkSync(`/proc/${pid}/exe`))).toMatch(/^(runsc|sleep|qemu)/)
    return pid
  }
  const pod = (pid: number, containers: readonly number[] = []): CriPod => ({
    sandboxId: 's',
    uid,
    namespace: 'ns',
    name: 'a',
    ready: true,
    handler: 'runsc',
    createdAt: new Date(),
    process: { pid },
    containers: containers.map((one) => ({ id: `${one}`, name: 'main', state: 'running', process: { pid: one } })),
  })
  const look = (pid: number, containers: readonly number[] = []) => sightingOf(openView(), pod(pid, containers))

  it('sees a kernel program of the node’s, and what rights it has', async () => {
    const pid = await start(['setpriv', '--reuid=71234', '--clear-groups', runsc, '600'])
    await start([runsc, '600'], join(cgroup, 'container'))
    expect(look(pid)).toMatchObject({
      kind: 'own-kernel',
      class: 'userspace',
      process: { pid, executable: runsc, uid: 71234, seccomp: 0, capabilities: [], ownUserNamespace: false },
    })
  })

  it('sees capabilities, and a user namespace that they count in', async () => {
    const pid = await start([runsc, '600'])
    const seen = look(pid)
    expect(seen).toMatchObject({ process: { uid: 0, ownUserNamespace: false } })
    expect(seen.kind === 'own-kernel' && seen.process.capabilities).toContain('CAP_SYS_ADMIN')
    const inOwn = await start(['unshare', '--user', '--map-root-user', runsc, '600'])
    expect(look(inOwn)).toMatchObject({ kind: 'own-kernel', process: { ownUserNamespace: true } })
  })

  it('sees the node’s kernel under a program that is none', async () => {
    const pid = await start(['sleep', '600'])
    expect(look(pid)).toMatchObject({ kind: 'node-kernel', process: { pid } })
  })

  it.each([
    [
      'of that name from another file system',
      'mount -t tmpfs none "$0" && cp /bin/sleep "$0/runsc" && exec "$0/runsc" 600',
    ],
    [
      'of that name in the very place of the node’s',
      'cp /bin/sleep "$0/other" && mount --bind "$0/other" "$0/runsc" && exec "$0/runsc" 600',
    ],
  ])('is not fooled by a file %s', async (_, script) => {
    const pid = await start(['unshare', '--mount', 'sh', '-c', script, folder])
    expect(look(pid)).toMatchObject({ kind: 'node-kernel' })
  })

  it('knows a kernel program that was replaced while it runs', async () => {
    const pid = await start([runsc, '600'])
    rmSync(runsc)
    copyFileSync('/bin/sleep', runsc)
    expect(look(pid)).toMatchObject({ kind: 'own-kernel', process: { executable: `${runsc} (deleted)` } })
  })

  it('sees a stranger in the pod, in whatever cgroup below', async () => {
    const pid = await start([runsc, '600'])
    expect(look(pid)).toMatchObject({ kind: 'own-kernel' })
    await start(['sleep', '600'], join(cgroup, 'container'))
    expect(look(pid)).toMatchObject({ kind: 'node-kernel', executable: expect.stringMatching(/sleep$/) })
  })

  it('sees a container’s process also where it is in no cgroup of the pod’s', async () => {
    const pid = await start([runsc, '600'])
    const elsewhere = await start(['sleep', '600'], top)
    expect(look(pid, [elsewhere])).toMatchObject({ kind: 'node-kernel' })
  })

  it('believes nothing of a process that is not in the pod', async () => {
    const pid = await start([runsc, '600'], top)
    expect(look(pid)).toEqual({ kind: 'unseen', why: `its process ${pid} is not in its cgroup` })
  })

  it('takes a virtual machine without the processor’s help for what it is', async () => {
    const qemu = join(folder, 'qemu-system-x86_64')
    copyFileSync('/bin/sleep', qemu)
    const pid = await start([qemu, '600'])
    expect(look(pid)).toMatchObject({ kind: 'own-kernel', class: 'emulated' })
  })

  it('sees nothing of a process that has ended, or was never named', () => {
    expect(look(2 ** 22 - 1)).toMatchObject({ kind: 'unseen' })
    const { process: _, ...unsaid } = pod(1)
    expect(sightingOf(openView(), { ...unsaid, unsaid: 'its shim is broken' })).toEqual({
      kind: 'unseen',
      why: 'its shim is broken',
    })
  })

  it('finds the cgroup of a pod that came after the others', async () => {
    const view = openView()
    expect(sightingOf(view, { ...pod(process.pid), uid: randomUUID() })).toMatchObject({ kind: 'node-kernel' })
    const pid = await start([runsc, '600'])
    expect(sightingOf(view, pod(pid))).toMatchObject({ kind: 'own-kernel' })
  })
})

async function removed(cgroup: string): Promise<void> {
  // A process that was killed leaves its cgroup a moment later.
  await expect
    .poll(() => {
      try {
        rmdirSync(cgroup)
        return true
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === 'ENOENT'
      }
    })
    .toBe(true)
}
