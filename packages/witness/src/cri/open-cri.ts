import { isFailure } from '@bulkhead/wire/errors'
import type { Container, PodSandbox } from '../gen/runtime/v1/runtime_pb.ts'
import { CriClient, type CriVersion, type VerboseInfo } from './cri-client.ts'
import type { CriPod } from './cri-pod.ts'
import { isReady, isRunning, podsOf } from './pods-of.ts'
import { parseVerboseInfo, type Said } from './verbose-info.ts'

/** The node's container runtime, to be read. What would change anything cannot even be said: see packages/witness/proto. */
export interface Cri extends Disposable {
  /** Fails `cri_unreachable`, `cri_answer_invalid`, `cri_call_failed`. */
  version(signal: AbortSignal): Promise<CriVersion>
  /**
   * Every pod that the runtime has, also those that have ended. Fails as `version` does, and then as a whole: half a list would pass for a node with
   * fewer pods. What is not known of one pod is left out, with the reason beside it.
   */
  listPods(signal: AbortSignal): Promise<CriPod[]>
}

/** `socket`: path of the runtime's Unix socket. */
export const openCri = (socket: string): Cri => new NodeCri(new CriClient(socket))

/** Verbose answers have the whole of a pod's configuration in them. */
const askedAtOnce = 16

class NodeCri implements Cri {
  readonly #client: CriClient
  /** By the id of a sandbox or a container: while one runs, its process stays the same, and asking costs the runtime a call to the shim. */
  #known: ReadonlyMap<string, Said> = new Map()

  constructor(client: CriClient) {
    this.#client = client
  }

  version(signal: AbortSignal): Promise<CriVersion> {
    return this.#client.version(signal)
  }

  async listPods(signal: AbortSignal): Promise<CriPod[]> {
    // Sandboxes last: each container that was seen then has its sandbox in the list, unless that has been removed.
    const containers = await this.#client.containers(signal)
    const sandboxes = await this.#client.sandboxes(signal)
    const said = await this.#ask(sandboxes, containers, signal)
    // What has ended is forgotten; what could not be said is asked for again.
    this.#known = new Map([...said].filter(([, one]) => 'process' in one))
    return podsOf(sandboxes, containers, said)
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]()
  }

  /** What the runtime says of all that runs; of what is known already it is not asked. */
  async #ask(
    sandboxes: readonly PodSandbox[],
    containers: readonly Container[],
    signal: AbortSignal
  ): Promise<Map<string, Said>> {
    const said = new Map<string, Said>()
    const questions: (() => Promise<void>)[] = []
    const about = (id: string, ask: () => Promise<VerboseInfo>) => {
      const known = this.#known.get(id)
      if (known) said.set(id, known)
      else questions.push(async () => void said.set(id, await answerTo(ask, signal)))
    }
    for (const { id } of sandboxes.filter(isReady)) about(id, () => this.#client.sandboxInfo(id, signal))
    for (const { id } of containers.filter(isRunning)) about(id, () => this.#client.containerInfo(id, signal))
    const waiting = questions.values()
    const worker = async () => {
      for (const question of waiting) await question()
    }
    await Promise.all(Array.from({ length: askedAtOnce }, worker))
    return said
  }
}

/** Of one pod, whose shim may be broken by what runs in it: that must not hide the others. Rejects only when aborted. */
async function answerTo(ask: () => Promise<VerboseInfo>, signal: AbortSignal): Promise<Said> {
  try {
    return parseVerboseInfo(await ask())
  } catch (error) {
    signal.throwIfAborted()
    if (!isFailure(error)) throw error
    return { unsaid: error.message }
  }
}
