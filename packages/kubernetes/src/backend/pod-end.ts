import type { CachedPod } from './cached-pod.ts'
import { printable } from './printable.ts'
import type { SandboxRecord } from './sandbox-record.ts'

type End = Pick<NonNullable<SandboxRecord['ended']>, 'state' | 'reason'>

/** How a sandbox ended whose Pod has; undefined while it has not. */
export function podEnd({ status }: Pick<CachedPod, 'status'>): End | undefined {
  const { phase, reason, message, initContainerStatuses = [], containerStatuses = [] } = status
  if (phase === 'Succeeded') return { state: 'stopped', reason: 'the guest powered itself off' }
  if (phase !== 'Failed') return undefined
  const detail = [reason, message].filter(Boolean).join(': ')
  // The node's kubelet ended it: evicted, no room after all.
  if (detail) return { state: 'failed', reason: printable(`killed from outside: ${detail}`) }
  const installation = initContainerStatuses.map(({ state }) => state?.terminated).find((one) => one?.exitCode)
  if (installation)
    return {
      state: 'failed',
      reason: `the guest agent could not be put into the Pod: exit code ${installation.exitCode}`,
    }
  const ended = containerStatuses.map(({ state }) => state?.terminated).find((one) => one !== undefined)
  if (!ended) return { state: 'failed', reason: 'killed from outside: its Pod has failed' }
  if (ended.reason === 'OOMKilled') return { state: 'failed', reason: 'out of memory: killed by the node’s kernel' }
  const code = `exit code ${ended.exitCode}`
  const how = ended.exitCode > 128 || ended.signal ? 'killed from outside' : 'its first process or its kernel crashed'
  return { state: 'failed', reason: printable(`${how}: ${[code, ended.message].filter(Boolean).join(', ')}`) }
}
