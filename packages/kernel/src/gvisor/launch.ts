import { chmod, chown, mkdir, open } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import type { CgroupParent } from '../confine/cgroup.ts'
import { missingConfinement } from '../confine/missing-confinement.ts'
import { identifyProcess, type ProcessIdentity } from '../confine/process-identity.ts'
import type { KernelSnapshot, KernelSpec } from '../contract.ts'
import { bundleConfig } from './bundle.ts'
import { checkpointFolder } from './checkpoint.ts'
import { closedTo } from './closed-folder.ts'
import { GuestLink } from './guest-link.ts'
import { GvisorKernel } from './gvisor-kernel.ts'
import type { GvisorOptions } from './gvisor-options.ts'
import type { HolderControl } from './holder-control.ts'
import { chargedBytes, maxProcesses } from './limits.ts'
import { prepareFolder } from './prepare-folder.ts'
import { readTail } from './read-tail.ts'
import { reasonOf } from './reason-of.ts'
import { RunFolder, runName } from './run-folder.ts'
import { Runsc } from './runsc.ts'
import { heldCommand } from './runsc-command.ts'
import { inheritedFd, spawnHolder } from './spawn-holder.ts'

export interface Launch {
  readonly spec: KernelSpec
  /** Undefined: an empty root, for the probe. */
  readonly rootImage: string | undefined
  /** What it starts from; absent: it boots. */
  readonly snapshot?: KernelSnapshot
}

/**
 * Starts a kernel and returns it once its guest has its identity. On failure or abort nothing of it is left, but the state directory.
 * Rejects with whatever went wrong, the log's end in the message; the caller makes the user's error of it.
 */
export async function launch(
  options: GvisorOptions,
  cgroups: CgroupParent,
  { spec, rootImage, snapshot }: Launch,
  signal: AbortSignal
): Promise<GvisorKernel> {
  await using undo = new AsyncDisposableStack()
  const folder = new RunFolder(options.runRoot, spec.id)
  const runsc = new Runsc(options, folder, spec)
  const { uid } = runsc.options

  await mkdir(options.runRoot, { recursive: true, mode: 0o711 })
  const closed = uid !== undefined && (await closedTo([options.runRoot, dirname(spec.stateDirectory)]))
  if (closed) throw new Error(`${closed} is closed to other users, and the kernel runs as one of its own`)
  undo.use(
    await prepareFolder(
      folder,
      bundleConfig({
        spec,
        rootImage,
        agent: options.agent,
        emptyRoot: folder.emptyRoot,
        uid: uid ?? process.getuid?.() ?? 0,
        gid: uid ?? process.getgid?.() ?? 0,
      }),
      uid
    )
  )
  await chmod(spec.stateDirectory, 0o700)
  if (uid !== undefined) await chown(spec.stateDirectory, uid, uid)

  const limits = { memoryBytes: chargedBytes(spec.memoryBytes), cpus: spec.cpus, pids: maxProcesses }
  // The start keeps several processors busy: held to one it would be put to sleep in the middle. The limit comes before the guest's first work.
  const cgroup = await cgroups.create(runName(spec.id), {
    ...limits,
    cpus: Math.max(spec.cpus, availableParallelism()),
  })
  if (cgroup) undo.defer(() => cgroup.remove())

  const verb = snapshot ? ['restore', `--image-path=/proc/self/fd/${inheritedFd}`] : ['run']
  // Host paths, ids and keys differ from the snapshot's; what must be the same, `restore` has compared.
  const flags = snapshot ? ['--restore-spec-validation=ignore'] : []
  const args = [...verb, `--bundle=${folder.bundle}`, `--pid-file=${folder.sentryPid}`, spec.id]
  const command = heldCommand(runsc.options, runsc.start(cgroup?.folders ?? [], flags, args))
  // A clone's user has no way to the snapshot's folder but this descriptor.
  const handedOn = await open(snapshot ? checkpointFolder(snapshot.directory) : '/dev/null')
  const control = undo.use(await spawnHolder(command, folder, handedOn.fd, signal).finally(() => handedOn.close()))
  const parent = await identifyProcess(control.pid)
  if (!cgroup && parent) undo.defer(() => void process.kill(parent.pid, 'SIGKILL'))

  const key = snapshot?.channelKey ?? spec.identity.channelKey
  const link = new GuestLink({ id: spec.id, socket: folder.channelSocket, key })
  undo.defer(() => link.close('the kernel did not start'))
  const sentry = await firstContact(link, spec, control, folder, signal)
  await cgroup?.limit(limits)
  if (!parent || !sentry) throw new Error(`it ended right after its start; ${await lastWords(folder)}`)
  undo.move()
  return new GvisorKernel({
    spec,
    folder,
    runsc,
    control,
    cgroup,
    parent,
    sentry,
    link,
    missing: missingConfinement(cgroups, uid !== undefined),
  })
}

/** Returns who the sentry is, once the guest has its identity. */
async function firstContact(
  link: GuestLink,
  { identity }: KernelSpec,
  control: HolderControl,
  folder: RunFolder,
  signal: AbortSignal
): Promise<ProcessIdentity | undefined> {
  const ended = control.ended.then((end) => {
    throw new Error(`it ended during its start (${end.kind === 'exited' ? `status ${end.code}` : end.kind})`)
  })
  try {
    await Promise.race([link.configure(identity, signal), ended])
  } catch (error) {
    throw new Error(`${reasonOf(error)}; ${await lastWords(folder)}`, { cause: error })
  }
  return identifyProcess(Number(await readTail(folder.sentryPid, 32)))
}

/** What runsc, the guest's first process and the sentry said last. */
async function lastWords(folder: RunFolder): Promise<string> {
  const said = await Promise.all([folder.log, folder.panicLog].map((path) => readTail(path, 2000)))
  return said.filter((text) => text !== '').join('; ') || 'it said nothing'
}
