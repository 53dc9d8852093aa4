import type { KernelStatus } from '../api/index.ts'

/** Reasons of conditions. Clients compare them exactly. */
export const reason = Object.freeze({
  dependenciesReady: 'DependenciesReady',
  dependenciesNotReady: 'DependenciesNotReady',
  sandboxSuspended: 'SandboxSuspended',
  sandboxExpired: 'SandboxExpired',
  multiplePods: 'MultiplePods',
  reconcilerError: 'ReconcilerError',
  podSucceeded: 'PodSucceeded',
  podFailed: 'PodFailed',
  notSuspended: 'NotSuspended',
  podTerminated: 'PodTerminated',
  podTerminating: 'PodTerminating',
  podNotOwned: 'PodNotOwned',
  podStateUnknown: 'PodStateUnknown',
  podScheduled: 'PodScheduled',
  podSchedulingUnknown: 'PodSchedulingUnknown',
})

/** Messages of conditions, to the letter. */
export const message = Object.freeze({
  podReady: 'Pod is Ready',
  podMissing: 'Pod does not exist',
  podInPhase: (phase: string) => `Pod exists with phase: ${phase}`,
  podNotReady: 'Pod is Running but not Ready',
  podWithoutAddress: 'Pod is Ready but has no podIPs yet',
  serviceExists: 'Service Exists',
  serviceMissing: 'Service does not exist',
  suspending: 'Sandbox is suspending',
  suspended: 'Sandbox is suspended',
  podSucceeded: 'Pod completed successfully',
  podFailed: 'Pod failed',
  expired: 'Sandbox has expired',
  multiplePods: (count: number) =>
    `multiple Pods (${count}) are controlled by this Sandbox; refusing to choose or create a Pod`,
  errorSeen: (error: string) => `Error seen: ${error}`,
  notSuspended: 'Sandbox is not suspended',
  podTerminated: 'Pod has been terminated. Sandbox is suspended',
  podTerminating: 'Pod is terminating. Sandbox is suspending',
  podNotOwned: 'Refused to delete pod because it is not owned by this sandbox',
  podStateUnknown: 'Pod state is unknown. Sandbox suspension cannot be confirmed',
  schedulingNotReported: 'Pod has not reported a PodScheduled condition yet',
  /** Ours, of an event. */
  kernelMismatch: ({ class: seen, runtime, reason }: KernelStatus) =>
    `The kernel under the Pod is not what it was promised: seen ${seen}, handler ${runtime} (${reason}); see the NodeWitness of its node`,
  schedulingUnknown: 'Pod state is unknown. Pod scheduling cannot be determined',
})

/** Reasons of events. */
export const eventReason = Object.freeze({
  multiplePods: 'MultiplePods',
  /** Ours. */
  serviceNameInvalid: 'ServiceNameInvalid',
  /** Ours. */
  kernelMismatch: 'KernelMismatch',
  /** Ours. */
  nameHashCollision: 'NameHashCollision',
})
