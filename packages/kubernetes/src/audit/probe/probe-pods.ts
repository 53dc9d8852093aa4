import type { ClusterAccess } from '../../controller/index.ts'
import { type InsideWitness, type PodFact, podKey } from '../facts.ts'
import { type ExecEnd, execInPod } from './exec-in-pod.ts'

export interface ProbeOptions {
  /** Pods that are asked at a time. Default 16. */
  readonly lanes?: number
  /** For one pod. Default 10 s. */
  readonly podMs?: number
  /** For all of them; those whose turn has not come are told as silent. Default 2 min. */
  readonly totalMs?: number
}

/** The file is in every Linux kernel and in gVisor's; the program in nearly every image that has a shell. */
const command = ['cat', '/proc/sys/kernel/random/boot_id']
const bootId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Asks the inside of each pod which boot id its kernel has. Rejects with the reason of `signal`, never because of a pod. */
export async function probePods(
  access: ClusterAccess,
  pods: readonly PodFact[],
  signal: AbortSignal,
  { lanes = 16, podMs = 10_000, totalMs = 120_000 }: ProbeOptions = {}
): Promise<Map<string, InsideWitness>> {
  const found = new Map<string, InsideWitness>()
  const over = AbortSignal.timeout(totalMs)
  const waiting = pods.values()
  const lane = async () => {
    for (const pod of waiting)
      found.set(podKey(pod), over.aborted ? notReached : await ask(access, pod, over, podMs, signal))
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return found
}

const notReached: InsideWitness = { silent: 'the time for asking was over' }

async function ask(
  access: ClusterAccess,
  { namespace, name, runningContainer }: PodFact,
  over: AbortSignal,
  podMs: number,
  signal: AbortSignal
): Promise<InsideWitness> {
  if (!runningContainer) return { silent: 'no container of it runs' }
  const target = { namespace, name, container: runningContainer }
  const late = AbortSignal.timeout(podMs)
  try {
    return witnessOf(await execInPod(access, target, command, AbortSignal.any([signal, over, late])))
  } catch (error) {
    signal.throwIfAborted()
    if (late.aborted) return { silent: `no answer within ${podMs / 1000} s` }
    if (over.aborted) return notReached
    throw error
  }
}

/** Reasons are ours and few, so that they can be counted; the words of nodes and runtimes differ from pod to pod. */
export function witnessOf(end: ExecEnd): InsideWitness {
  switch (end.kind) {
    case 'ended': {
      const answer = end.stdout.trim()
      if (end.exitCode !== 0) return { silent: `cat ended with ${end.exitCode}` }
      return bootId.test(answer) ? { bootId: answer } : { silent: 'what it answers is no boot id' }
    }
    case 'notStarted':
      return { silent: known(end.detail) ?? 'cat could not be started' }
    case 'refused':
      return { silent: refusal(end) }
    case 'broken':
      return { silent: 'the connection broke' }
  }
}

/** As API servers say it of kubelets, and as runc, crun and runsc say it of a program that is not there. */
function known(detail: string): string | undefined {
  if (/dialing backend|dial tcp|no preferred addresses/i.test(detail))
    return 'the API server does not reach the kubelet of its node'
  return /not found|no such file/i.test(detail) ? 'its image has no cat' : undefined
}

function refusal({ status, detail }: { readonly status: number; readonly detail: string }): string {
  if (status === 401 || status === 403) return 'running commands in it (pods/exec) is not permitted'
  if (status === 404) return 'it is gone'
  return known(detail) ?? `the API server answered ${status}`
}
