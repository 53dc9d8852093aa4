/** What the witness sees of real processes, from the host. Needs root: it looks at processes of other users. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { hostView, witnessProcess } from '../src/index.ts'
import { startTimeOf } from '../src/proc/start-time.ts'

describe('witnessProcess', () => {
  let child: ChildProcess | undefined
  afterEach(async () => {
    if (child?.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit')
    child = undefined
  })

  /** Starts a command whose shell tells when it is all set up, and witnesses it. */
  async function witness(...command: [string, ...string[]]) {
    const [file, ...args] = command
    const started = spawn(file, [...args, 'sh', '-c', 'echo ready; read -r line'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    child = started
    await once(started.stdout, 'data')
    return request(started.pid ?? 0)
  }
  const request = async (pid: number) =>
    witnessProcess({
      id: 'test',
      pid,
      startTime: (await startTimeOf(`/proc/${pid}`)) ?? '',
      runtime: 'gvisor',
      isolation: 'userspace',
    })

  it('sees that an ordinary root process is confined by nothing', async () => {
    const seen = await witness('env')
    expect(seen).toMatchObject({
      uid: 0,
      gid: 0,
      ownUserNamespace: false,
      ownNetworkNamespace: false,
      ownMountNamespace: false,
      ownPidNamespace: false,
      missing: [],
    })
    expect(seen.executable).toMatch(/\/(dash|bash|busybox)$/)
    expect(seen.capabilities).toContain('CAP_SYS_ADMIN')
    expect(seen.mounts.find((mount) => mount.target === '/')).toMatchObject({ sharedWithHost: true })
    expect(seen.descriptors.find(({ fd }) => fd === 1)).toMatchObject({
      target: expect.stringMatching(/^(pipe|socket):/),
      writable: true,
    })
  })

  it('sees another uid, no capabilities, no new privileges, namespaces without interfaces', async () => {
    const seen = await witness(
      'setpriv',
      '--reuid=71234',
      '--regid=71235',
      '--clear-groups',
      '--no-new-privs',
      '--bounding-set=-all',
      'unshare',
      '--user',
      '--net',
      '--mount',
      '--propagation=unchanged'
    )
    expect(seen).toMatchObject({
      uid: 71234,
      gid: 71235,
      noNewPrivs: true,
      ownUserNamespace: true,
      ownNetworkNamespace: true,
      ownMountNamespace: true,
      ownPidNamespace: false,
      interfaces: [],
    })
  })

  it('fails kernel_gone for a process that has ended, and for one that has its number now', async () => {
    const { pid } = await witness('env')
    const wrong = { id: 'test', pid, startTime: '1', runtime: 'gvisor', isolation: 'userspace' } as const
    await expect(witnessProcess(wrong)).rejects.toMatchObject({ code: 'kernel_gone' })
    const startTime = (await startTimeOf(`/proc/${pid}`)) ?? ''
    child?.kill('SIGKILL')
    if (child) await once(child, 'exit')
    await expect(witnessProcess({ ...wrong, startTime })).rejects.toMatchObject({ code: 'kernel_gone' })
  })

  it("reads the host's own view", async () => {
    const { bootId, kernelRelease } = await hostView()
    expect(bootId).toMatch(/^[0-9a-f-]{36}$/)
    expect(kernelRelease).not.toBe('')
  })
})
