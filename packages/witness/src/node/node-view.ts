import type { CriPod } from '../cri/cri-pod.ts'
import { classOf, kernelProgram } from './kernel-programs.ts'
import { NodeProcesses, type RunningProgram } from './node-processes.ts'
import { PodCgroups } from './pod-cgroups.ts'
import type { KernelProcess, Sighting } from './sighting.ts'

export interface SightedPod {
  readonly pod: CriPod
  readonly sighting: Sighting
}

/** Looks at the pods of a node. */
export class NodeView {
  readonly #processes: NodeProcesses
  readonly #cgroups: PodCgroups

  /**
   * `proc`: a mount of the node's own process namespace; default `/proc`, in a Pod with `hostPID`. `nodePid`: a process that sees the node's own files and
   * namespaces; default its first.
   */
  constructor({ proc = '/proc', nodePid = 1 }: { readonly proc?: string; readonly nodePid?: number } = {}) {
    this.#processes = new NodeProcesses(proc, nodePid)
    this.#cgroups = new PodCgroups(this.#processes)
  }

  /** What runs each of them, in their order. */
  look(pods: readonly CriPod[]): SightedPod[] {
    this.#processes.beginLook()
    return pods.map((pod) => ({ pod, sighting: this.#lookAt(pod) }))
  }

  /**
   * That a pod's kernel is its own shows in all of its processes: the sandbox's is a kernel program of the node's, and in the pod's cgroup
   * there is none that is no such program. What an image brings along can have any name, but is never a file of the node.
   */
  #lookAt({ uid, process, unsaid, containers }: CriPod): Sighting {
    if (!process) return { kind: 'unseen', why: unsaid ?? 'its sandbox does not run' }
    try {
      const main = this.#kernelProcess(process.pid)
      if (!main) return { kind: 'unseen', why: `its process ${process.pid} has ended` }
      const { program, ...seen } = main
      if (!isKernel(program)) return { kind: 'node-kernel', executable: program.executable, process: seen }
      const pids = this.#cgroups.processesOf(uid)
      if (!pids) return { kind: 'unseen', why: 'the node has no cgroup for it' }
      if (!pids.has(process.pid)) return { kind: 'unseen', why: `its process ${process.pid} is not in its cgroup` }
      const stranger = this.#strangerAmong(new Set([...pids, ...containers.flatMap((one) => one.process?.pid ?? [])]))
      if (stranger) return { kind: 'node-kernel', executable: stranger.executable, process: seen }
      const found = kernelProgram(withoutMark(program.executable))
      const kernelClass = found && classOf(found, () => this.#processes.opens(process.pid, '/dev/kvm'))
      if (!kernelClass) return { kind: 'unseen', why: `${program.executable} is no kernel by itself` }
      return { kind: 'own-kernel', class: kernelClass, process: seen }
    } catch (error) {
      // One pod's, such as a /proc that may not be read: that says nothing of the others.
      const { code, message } = error as NodeJS.ErrnoException
      return { kind: 'unseen', why: code ?? message }
    }
  }

  #kernelProcess(pid: number): (KernelProcess & { readonly program: RunningProgram }) | undefined {
    const status = this.#processes.status(pid)
    const program = this.#processes.program(pid)
    const ownUserNamespace = this.#processes.hasOwn('user', pid)
    if (!status || !program || ownUserNamespace === undefined) return undefined
    return {
      pid,
      program,
      executable: program.executable,
      uid: Math.min(...status.uids),
      seccomp: status.seccomp,
      capabilities: status.capabilities,
      ownUserNamespace,
    }
  }

  #strangerAmong(pids: ReadonlySet<number>): RunningProgram | undefined {
    for (const pid of pids) {
      const program = this.#processes.program(pid)
      if (program && !isKernel(program)) return program
    }
    return undefined
  }
}

const withoutMark = (executable: string) => executable.replace(/ \(deleted\)$/, '')
const isKernel = ({ executable, ofNode }: RunningProgram): boolean =>
  ofNode && kernelProgram(withoutMark(executable)) !== undefined
