/**
 * What stands between a pod and the kernel of its node. `shared`: nothing, it runs on that kernel; `unknown`: a handler nobody here knows, which counts as
 * shared until somebody says what it is. The rest are Bulkhead's isolation classes.
 */
export const kernelClasses = ['hardware', 'userspace', 'emulated', 'shared', 'unknown'] as const
export type KernelClass = (typeof kernelClasses)[number]

export const isOwnKernel = (kernel: KernelClass): boolean => kernel !== 'shared' && kernel !== 'unknown'

/** CRI handlers by the names that their projects' own instructions give them. The first that matches counts. */
const known: readonly { readonly handler: RegExp; readonly kernel: KernelClass }[] = [
  { handler: /^(runsc|gvisor)(-|$)/, kernel: 'userspace' },
  // Kata Containers, Confidential Containers, Edera, Firecracker's containerd, unikernels by urunc, Hyper-V isolation.
  { handler: /^kata(-|$)/, kernel: 'hardware' },
  { handler: /^(edera|aws\.firecracker|firecracker|urunc|runhcs-wcow-hypervisor)(-|$)/, kernel: 'hardware' },
  // Another runtime, a device, or WebAssembly: the node's kernel all the same.
  {
    handler: /^(runc|crun|youki|nvidia|nvidia-cdi|nvidia-legacy|spin|wasmtime|wasmedge|wasmer|wws|lunatic)(-|$)/,
    kernel: 'shared',
  },
]

export interface HandlerClasses {
  /** Said by the user; before what is known. */
  readonly overrides?: ReadonlyMap<string, KernelClass>
  /** Of pods that name no RuntimeClass: what the nodes' CRI does then cannot be seen from outside. Default `shared`. */
  readonly withoutRuntimeClass?: KernelClass
}

export function classOfHandler(
  handler: string | undefined,
  { overrides, withoutRuntimeClass }: HandlerClasses = {}
): KernelClass {
  if (handler === undefined || handler === '') return withoutRuntimeClass ?? 'shared'
  return overrides?.get(handler) ?? known.find((entry) => entry.handler.test(handler))?.kernel ?? 'unknown'
}
