import { join } from 'node:path'
import type { EngineConfig, Logger } from '@bulkhead/engine'
import type { Config } from '../config.ts'
import type { Paths } from '../paths.ts'
import type { InstallationRecord } from '../setup/installation.ts'
import { imagesOf } from './engine-images.ts'

/** Where the parts meet: paths and limits of this installation, put into the engine's terms. */
export function engineConfig(config: Config, paths: Paths, installed: InstallationRecord, log: Logger): EngineConfig {
  const places = { runRoot: paths.run, cgroupRoot: paths.cgroupRoot, cacheDirectory: join(paths.state, 'probes') }
  return {
    stateDirectory: join(paths.state, 'engine'),
    runRoot: paths.run,
    // gVisor first: where there is no KVM it is the stronger one, and everywhere the quicker to start.
    runtimes: [
      {
        name: 'gvisor',
        load: async () => {
          const { createGvisorRuntime } = await import('@bulkhead/kernel')
          return createGvisorRuntime({
            ...places,
            runsc: installed.runsc,
            agent: installed.agent,
            holder: installed.holder,
          })
        },
      },
      {
        name: 'qemu',
        load: async () => {
          const { createQemuRuntime } = await import('@bulkhead/kernel')
          const { qemu, qemuImg, holder, kernelImage, initrd } = installed
          return createQemuRuntime({ ...places, qemu, qemuImg, holder, kernelImage, initrd })
        },
      },
    ],
    images: imagesOf(join(paths.state, 'images')),
    uidBase: paths.uidBase,
    log,
    pool: { size: config.poolSize },
  }
}
