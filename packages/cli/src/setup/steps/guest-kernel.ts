import { join } from 'node:path'
import { readInstallation } from '../installation.ts'
import { isFilled } from '../is-filled.ts'
import type { SetupStep } from '../step.ts'
import { artifactsOf } from './guest-programs.ts'
import { imageProgress } from './image-progress.ts'

export const guestKernelStep: SetupStep = {
  name: 'guest kernel',
  why: "Debian's kernel for virtual machines; every QEMU sandbox boots its own",
  async check({ paths, found, versions }) {
    const before = readInstallation(paths.state)
    // The initrd carries the agent: another agent needs another one.
    if (!before || before.versions.agent !== versions.agent) return false
    if (!isFilled(before.kernelImage) || !isFilled(before.initrd)) return false
    found.kernelImage = before.kernelImage
    found.initrd = before.initrd
    versions.guestKernel = before.versions.guestKernel ?? ''
    return true
  },
  async make(context, progress) {
    const { paths, found, versions, signal } = context
    const { buildInitrd, guestKernel, ImageStore } = await import('@bulkhead/images')
    const store = new ImageStore(join(paths.state, 'images'))
    const kernel = await guestKernel(store, { arch: 'amd64' }, imageProgress(progress), signal)
    progress('packing the initrd')
    found.kernelImage = kernel.image
    found.initrd = await buildInitrd({
      agent: found.agent as string, // an earlier row has made it
      modules: kernel.modules,
      into: join(artifactsOf(context), 'initrd'),
    })
    versions.guestKernel = kernel.release
  },
}
