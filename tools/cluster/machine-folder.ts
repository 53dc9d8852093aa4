import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { MachinePlan } from './plan.ts'
import type { ClusterPrograms, ProgramName } from './programs.ts'

/** Folders of a machine, on the host; all on its disk but `etc`, which is written anew at each start. */
const parts = ['etc', 'lib', 'log', 'tmp', 'sysctl'] as const

/** Where a machine finds its things: the same in every machine and on every host, so that configurations name no path of this one. */
export const inside = {
  /** Its folder. */
  machine: '/run/bulkhead/machine',
  etc: '/run/bulkhead/machine/etc',
  artifacts: '/run/bulkhead/artifacts',
  volumes: '/run/bulkhead/volumes',
  /** Is there when all mounts are. */
  complete: '/run/bulkhead/complete',
} as const

export const insideProgram = (programs: ClusterPrograms, name: ProgramName, file: string): string =>
  join(inside.artifacts, basename(programs[name]), file)

/**
 * What a kubelet sets in the host's kernel, with the values it wants: it gets files of its own in place of these, so that the host keeps its
 * settings. Source: setupKernelTunables in pkg/kubelet/cm/container_manager_linux.go.
 */
const kubeletSysctls: Readonly<Record<string, string>> = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxkeys': '1000000',
  'kernel/keys/root_maxbytes': '25000000',
}

const sysctlFile = (name: string) => name.replaceAll('/', '.')

export async function makeMachineFolder({ folder, logs }: MachinePlan): Promise<void> {
  for (const part of parts) await mkdir(join(folder, part), { recursive: true, mode: 0o755 })
  await mkdir(join(folder, 'tmp', volumesBelowTmp), { recursive: true })
  await mkdir(logs, { recursive: true })
  for (const [name, value] of Object.entries(kubeletSysctls)) {
    await writeFile(join(folder, 'sysctl', sysctlFile(name)), `${value}\n`)
  }
}

/** Fixed in the controller that makes them: pkg/volume/hostpath/host_path.go. */
const volumesBelowTmp = 'hostpath_pv'

/**
 * What is mounted in a machine, in order, once it has a /run of its own: the arguments of mount(8). The machine's folder first gets a place that
 * nothing covers, then covers what programs expect to be theirs: /var/lib, /var/log, /tmp.
 */
export function machineMounts(places: { folder: string; artifacts: string; volumes: string }): string[][] {
  const bind = (from: string, to: string) => ['--bind', from, to]
  return [
    bind(places.folder, inside.machine),
    bind(places.artifacts, inside.artifacts),
    bind(places.volumes, inside.volumes),
    bind(`${inside.machine}/lib`, '/var/lib'),
    bind(`${inside.machine}/log`, '/var/log'),
    bind(`${inside.machine}/tmp`, '/tmp'),
    bind(inside.volumes, `/tmp/${volumesBelowTmp}`),
    ...Object.keys(kubeletSysctls).map((name) =>
      bind(`${inside.machine}/sysctl/${sysctlFile(name)}`, `/proc/sys/${name}`)
    ),
    // Mounts of kubelets reach their containers, and the other way round where a pod asks for it. None reaches the host.
    ['--make-rshared', '/'],
  ]
}
