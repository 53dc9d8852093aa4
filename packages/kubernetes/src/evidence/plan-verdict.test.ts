import type { KernelProcess, Sighting } from '@bulkhead/witness/node'
import { describe, expect, it } from 'vitest'
import { planVerdict, type Witnessed } from './plan-verdict.ts'

const process: KernelProcess = {
  pid: 7,
  executable: '/usr/local/bin/runsc',
  uid: 0,
  seccomp: 2,
  capabilities: ['CAP_SYS_PTRACE'],
  ownUserNamespace: true,
}
const own = (
  seen: 'hardware' | 'userspace' | 'emulated' = 'userspace',
  more: Partial<KernelProcess> = {}
): Sighting => ({
  kind: 'own-kernel',
  class: seen,
  process: { ...process, ...more },
})
const nodes: Sighting = { kind: 'node-kernel', executable: '/bin/sh', process }
const unseen: Sighting = { kind: 'unseen', why: 'its process 7 has ended' }
const gvisor = { runtimeClass: 'gvisor', handler: 'runsc', promised: 'userspace' } as const
const kata = { runtimeClass: 'kata', handler: 'kata', promised: 'hardware' } as const
const none = { handler: '' }
const verdict = (witnessed: Partial<Witnessed>) =>
  planVerdict({ asked: gvisor, used: 'runsc', sighting: own(), nodeBootId: 'of-node', ...witnessed })

describe('the verdict over a Pod', () => {
  it.each<[string, Partial<Witnessed>, string, string]>([
    ['gVisor as asked', {}, 'Isolated', 'OwnKernel'],
    ['more than asked', { sighting: own('hardware') }, 'Isolated', 'OwnKernel'],
    ['a virtual machine as asked', { asked: kata, used: 'kata', sighting: own('hardware') }, 'Isolated', 'OwnKernel'],
    [
      'an own kernel by a handler that promises nothing',
      { asked: { runtimeClass: 'fast', handler: 'fast' }, used: 'fast' },
      'Isolated',
      'OwnKernel',
    ],
    ['a default that is gVisor', { asked: none, used: '' }, 'Isolated', 'OwnKernel'],
    [
      'what is asked for by name',
      { asked: { ...gvisor, promised: 'emulated' }, sighting: own('emulated') },
      'Isolated',
      'OwnKernel',
    ],
    ['nothing asked, the node’s kernel', { asked: none, used: '', sighting: nodes }, 'Shared', 'NodeKernel'],
    [
      'a class that promises nothing, the node’s kernel',
      { asked: { runtimeClass: 'plain', handler: 'runc' }, used: 'runc', sighting: nodes },
      'Shared',
      'NodeKernel',
    ],
    ['gVisor asked, the node’s kernel', { sighting: nodes }, 'Mismatch', 'NodeKernel'],
    [
      'a class of gVisor’s name whose handler is runc',
      { asked: { ...gvisor, handler: 'runc' }, used: 'runc', sighting: nodes },
      'Mismatch',
      'NodeKernel',
    ],
    ['another handler than asked', { used: 'runsc-debug' }, 'Mismatch', 'HandlerDiffers'],
    ['the default in place of what was asked', { used: '' }, 'Mismatch', 'HandlerDiffers'],
    ['less than promised', { asked: kata, used: 'kata' }, 'Mismatch', 'WeakerThanPromised'],
    [
      'emulation where nobody asked for it',
      { asked: none, used: '', sighting: own('emulated') },
      'Mismatch',
      'WeakerThanPromised',
    ],
    ['a sentry without a filter', { sighting: own('userspace', { seccomp: 0 }) }, 'Mismatch', 'Unconfined'],
    [
      'a sentry with rights on the node',
      { sighting: own('userspace', { ownUserNamespace: false }) },
      'Mismatch',
      'Unconfined',
    ],
    [
      'a sentry without a user namespace, and without rights',
      { sighting: own('userspace', { ownUserNamespace: false, capabilities: [] }) },
      'Isolated',
      'OwnKernel',
    ],
    [
      'a virtual machine that root runs',
      { asked: kata, used: 'kata', sighting: own('hardware', { seccomp: 0 }) },
      'Isolated',
      'OwnKernel',
    ],
    ['the node’s boot id inside', { inside: { bootId: 'of-node' } }, 'Mismatch', 'BootIDOfNode'],
    ['another boot id inside', { inside: { bootId: 'own' } }, 'Isolated', 'OwnKernel'],
    ['nothing to be seen', { sighting: unseen }, 'Unknown', 'NotSeen'],
    ['nothing to be seen, and another handler', { sighting: unseen, used: 'runc' }, 'Unknown', 'NotSeen'],
    ['no such Pod in the container runtime', { used: undefined, sighting: unseen }, 'Unknown', 'NotRunning'],
    ['no such Pod in the API server', { asked: undefined }, 'Unknown', 'NotInAPIServer'],
    [
      'its RuntimeClass gone',
      { asked: { runtimeClass: 'gvisor', promised: 'userspace' } },
      'Unknown',
      'RuntimeClassMissing',
    ],
    [
      'its RuntimeClass gone, and the node’s kernel',
      { asked: { runtimeClass: 'gvisor', promised: 'userspace' }, sighting: nodes },
      'Mismatch',
      'NodeKernel',
    ],
  ])('%s', (_, witnessed, expected, reason) => {
    expect(verdict(witnessed)).toMatchObject({ verdict: expected, reason })
  })

  it('repeats what a Pod chose only bounded, and without control characters', () => {
    const executable = `/\u001b[2J\n${'x'.repeat(5_000)}`
    const { message } = verdict({ sighting: { kind: 'node-kernel', executable, process } })
    expect(message.length).toBeLessThan(300)
    expect([...message].every((letter) => letter >= ' ')).toBe(true)
  })
})
