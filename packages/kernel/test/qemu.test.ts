import { createQemuRuntime } from '../src/index.ts'
import { describeKernelRuntime } from './contract.ts'
import { installation } from './support/installation.ts'

const readable = (target: RegExp) => ({ target, writable: false })
const writable = (target: RegExp) => ({ target, writable: true })

describeKernelRuntime('qemu', {
  make: (places) => createQemuRuntime({ ...installation(), ...places }),
  posture: {
    ownUserNamespace: false,
    processes: [
      {
        command: /^\S*\/bwrap /,
        unfiltered: 'it has none; it waits for QEMU and reads nothing of it',
        root: 'it made the private view; it has no capabilities left',
      },
      { command: /^\S*\/qemu-system-\w+ / },
    ],
    mounts: [
      readable(/^\/$/),
      readable(/^\/(usr\/)?lib(64)?$/),
      readable(/^\/etc\/ld\.so\.cache$/),
      readable(/^\/usr\/share\/(qemu|seabios)$/),
      readable(/\/qemu-system-\w+$/),
      readable(/^\/setpriv$/),
      readable(/^\/in\/(kernel|initrd|root|memory|state|disk\.\d+)$/),
      writable(/^\/out\/(disk|snapshot)$/),
    ],
    files: [/^\/in\/(root|memory|disk\.\d+)$/, /^\/out\/disk$/],
    writableFiles: [/^\/out\/disk$/],
  },
})
