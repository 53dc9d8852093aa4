/** @packageDocumentation What a Kubernetes node's container runtime says of the pods it runs, read over its CRI socket. */
export type { CriVersion } from './cri-client.ts'
export type { CriContainer, CriPod, CriProcess } from './cri-pod.ts'
export { type Cri, openCri } from './open-cri.ts'
