/** @packageDocumentation Root file systems and guest kernels, in a content-addressed store: Debian packages, OCI images, EROFS. */
export * from './contract.ts'
export { ImageStore } from './image-store.ts'
export { buildInitrd } from './kernel/build-initrd.ts'
export { type GuestKernel, guestKernel, type KernelArchitecture } from './kernel/guest-kernel.ts'
export { absoluteReference } from './oci/image-source.ts'
export type { LayerLimits } from './oci/scan-layers.ts'
export { hostTools } from './tool/host-tool.ts'
