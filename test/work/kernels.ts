/** The runtimes that real work is done in, as `bulkhead run` is told of them. */
export const kernels: Readonly<Record<string, readonly string[]>> = {
  gvisor: ['--runtime', 'gvisor'],
  'qemu, emulated': ['--runtime', 'qemu', '--isolation', 'emulated'],
}
