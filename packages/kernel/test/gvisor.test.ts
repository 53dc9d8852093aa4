import { createGvisorRuntime } from '../src/index.ts'
import { describeKernelRuntime } from './contract.ts'
import { installation } from './support/installation.ts'

describeKernelRuntime(
  'gvisor',
  {
    make: (places) => createGvisorRuntime({ ...installation(), ...places }),
    posture: {
      ownUserNamespace: true,
      mounts: [{ target: /^\/$/, writable: false }],
      files: [
        /\.erofs$/,
        /\/runsc-filestore-\d+ \(deleted\)$/,
        /^\/memfd:[\w-]+ \(deleted\)$/,
        /\/panic\.log$/,
        // The agent's binary, as the file server handed it in.
        /\/agent$/,
      ],
      writableFiles: [/\/runsc-filestore-\d+ \(deleted\)$/, /^\/memfd:[\w-]+ \(deleted\)$/, /\/panic\.log$/],
    },
  },
  { lacks: { sysrq: 'gVisor has no /proc/sysrq-trigger: there is no kernel to crash from inside' } }
)
