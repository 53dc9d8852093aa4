import { createGvisorRuntime } from '../src/index.ts'
import { describeKernelRuntime } from './contract.ts'
import { installation } from './support/installation.ts'

describeKernelRuntime(
  'gvisor',
  {
    make: (places) => createGvisorRuntime({ ...installation(), ...places }),
    posture: {
      ownUserNamespace: true,
      processes: [
        {
          command: /^\S*\/holder hold /,
          unfiltered: 'it has no filter of its own; it relays bytes and parses none',
          outside: 'it tells how the kernel ended when the host ends all that is in the cgroup',
        },
        { command: /^\S*\/runsc /, unfiltered: 'runsc run has none; it waits for the sentry' },
        { command: /^runsc-gofer /, capabilities: 'it opens files for the sentry, as the root of its own namespace' },
        { command: /^runsc-sandbox / },
        // The workload's address spaces, which systrap runs in processes without a name.
        { command: /^$/ },
      ],
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
