import { type Container, ContainerState, type PodSandbox, PodSandboxState } from '../gen/runtime/v1/runtime_pb.ts'
import type { CriContainer, CriPod } from './cri-pod.ts'
import type { Said } from './verbose-info.ts'

/** The pods that the answers of a runtime tell of. `said`: by the id of a sandbox or a container. */
export function podsOf(
  sandboxes: readonly PodSandbox[],
  containers: readonly Container[],
  said: ReadonlyMap<string, Said>
): CriPod[] {
  const bySandbox = Map.groupBy(containers, ({ podSandboxId }) => podSandboxId)
  return sandboxes.map((sandbox) => ({
    sandboxId: sandbox.id,
    uid: sandbox.metadata?.uid ?? '',
    namespace: sandbox.metadata?.namespace ?? '',
    name: sandbox.metadata?.name ?? '',
    ready: isReady(sandbox),
    handler: sandbox.runtimeHandler,
    createdAt: new Date(Number(sandbox.createdAt / nanosPerMilli)),
    ...said.get(sandbox.id),
    containers: (bySandbox.get(sandbox.id) ?? []).map(
      ({ id, metadata, state }): CriContainer => ({
        id,
        name: metadata?.name ?? '',
        state: states[state] ?? 'unknown',
        ...said.get(id),
      })
    ),
  }))
}

const nanosPerMilli = 1_000_000n

export const isReady = ({ state }: PodSandbox): boolean => state === PodSandboxState.SANDBOX_READY
export const isRunning = ({ state }: Container): boolean => state === ContainerState.CONTAINER_RUNNING

const states: Readonly<Record<number, CriContainer['state']>> = {
  [ContainerState.CONTAINER_CREATED]: 'created',
  [ContainerState.CONTAINER_RUNNING]: 'running',
  [ContainerState.CONTAINER_EXITED]: 'exited',
}
