import { access, constants, readFile, statfs } from 'node:fs/promises'
import { totalmem } from 'node:os'
import type { Paths } from '../paths.ts'
import type { Host } from '../setup/host.ts'
import { formatSize } from '../size.ts'
import type { Check } from './check.ts'

/** The default image, the guest kernel, gVisor's build and a few templates. */
const comfortableDiskBytes = 6 * 2 ** 30
/** One sandbox of the default size beside a system. */
const comfortableMemoryBytes = 2 * 2 ** 30

/** What the machine and this user are. */
export async function hostChecks(host: Host, paths: Paths): Promise<Check[]> {
  return Promise.all([platform(host), privileges(host), kvm(), cgroups(host), memory(), disk(paths)])
}

async function platform({ platform, arch, distribution }: Host): Promise<Check> {
  const found = `${distribution.id || platform} ${distribution.version} on ${arch}`
  return platform === 'linux' && arch === 'x64'
    ? { name: 'host.platform', state: 'ok', found }
    : {
        name: 'host.platform',
        state: 'fail',
        found,
        consequence: 'only Linux on amd64 has been tried; the rest is prepared for, not tested',
      }
}

async function privileges(host: Host): Promise<Check> {
  if (host.root) return { name: 'host.root', state: 'ok', found: 'running as root' }
  return {
    name: 'host.root',
    state: 'warn',
    found: 'not root',
    consequence:
      'no uid and no cgroup of its own for each kernel: limits of memory, processors and processes are not enforced from outside',
    fix: 'run bulkhead as root',
  }
}

async function kvm(): Promise<Check> {
  const name = 'host.kvm'
  const consequence = 'QEMU emulates the processor: slow, and no security boundary (class emulated)'
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK)
    return { name, state: 'ok', found: '/dev/kvm opens; whether it works is told by runtime.qemu' }
  } catch (error) {
    const denied = (error as NodeJS.ErrnoException).code === 'EACCES'
    return {
      name,
      state: 'warn',
      found: denied ? '/dev/kvm is not for this user' : 'no /dev/kvm',
      consequence,
      fix: denied
        ? 'sudo usermod -aG kvm "$USER", then log in again'
        : "switch on virtualisation in the firmware, or in the outer machine's settings",
    }
  }
}

async function cgroups(host: Host): Promise<Check> {
  const name = 'host.cgroups'
  const mounts = await readFile('/proc/self/mounts', 'utf8')
  const kinds = mounts.split('\n').map((line) => line.split(' '))
  const v1 = ['memory', 'cpu', 'pids'].filter((controller) =>
    kinds.some(([, , type, options]) => type === 'cgroup' && options?.split(',').includes(controller))
  )
  const v2 = kinds.find(([, , type]) => type === 'cgroup2')?.[1]
  const unified = v2 ? (await readFile(`${v2}/cgroup.controllers`, 'utf8')).split(/\s+/) : []
  const missing = ['memory', 'cpu', 'pids'].filter(
    (controller) => !v1.includes(controller) && !unified.includes(controller)
  )
  const found = v1.length > 0 ? `version 1 (${v1.join(', ')})` : `version 2 (${unified.filter(Boolean).join(', ')})`
  if (missing.length === 0 && host.root) return { name, state: 'ok', found }
  if (missing.length === 0)
    return { name, state: 'warn', found: `${found}, not for this user to use`, fix: 'run bulkhead as root' }
  return {
    name,
    state: 'warn',
    found: `${found}; missing: ${missing.join(', ')}`,
    consequence: `a sandbox is not limited from outside in: ${missing.join(', ')}`,
    fix: 'mount the missing controllers, or start the host with systemd.unified_cgroup_hierarchy=1',
  }
}

async function memory(): Promise<Check> {
  const bytes = totalmem()
  const found = formatSize(bytes)
  return bytes >= comfortableMemoryBytes
    ? { name: 'host.memory', state: 'ok', found }
    : {
        name: 'host.memory',
        state: 'warn',
        found,
        consequence: 'few sandboxes fit',
        fix: 'give each less with --memory',
      }
}

async function disk({ state }: Paths): Promise<Check> {
  const { bavail, bsize } = await statfs(state)
  const found = `${formatSize(bavail * bsize)} free in ${state}`
  return bavail * bsize >= comfortableDiskBytes
    ? { name: 'host.disk', state: 'ok', found }
    : {
        name: 'host.disk',
        state: 'warn',
        found,
        consequence: 'set-up or sandboxes may fill the disk',
        fix: 'make room (bulkhead image prune), or name a folder on another disk in BULKHEAD_STATE_DIR',
      }
}
