import { readFileSync } from 'node:fs'
import { copyFile, mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { failure } from '@bulkhead/wire/errors'
import { lockFile } from '../../packages/cli/src/setup/file-lock.ts'
import { ApiClient } from './api-client.ts'
import { Certificates } from './certificates.ts'
import { removeCluster } from './cluster-removal.ts'
import {
  type ClusterParts,
  controlPlaneServices,
  nodeServiceNames,
  type Report,
  startCluster,
  startNode,
  writeFiles,
} from './cluster-start.ts'
import { absent, type ClusterStatus, readStatus } from './cluster-status.ts'
import { Machine, type Service } from './machine.ts'
import { needFreeSubnet } from './network.ts'
import { importImage } from './node.ts'
import { programPath } from './node-config.ts'
import { type ClusterPlan, nodeOf, planCluster } from './plan.ts'
import type { ClusterPrograms } from './programs.ts'
import { type ClusterRecord, readRecord, writeRecord } from './record.ts'
import { type ClusterShape, checkShape, describeShape, sameShape } from './shape.ts'
import { needSupport } from './support.ts'

/** Name, in a machine's /tmp, of an image archive on its way in. */
const archiveName = 'image.tar'

/**
 * The cluster of a folder, whether there is one or not: all its state is in that folder and on the machine, none in this object. What changes it
 * excludes others that do, also of other processes.
 */
export class Cluster {
  readonly #folder: string
  readonly #report: Report

  /** `folder`: absolute, real, and for this alone; it need not be there. `report` is told what has been reached. */
  constructor(folder: string, report: Report = () => {}) {
    this.#folder = folder
    this.#report = report
  }

  /**
   * Makes the cluster, completes one whose start was interrupted, or starts what of it has ended; after a reboot that is all of it, with the objects
   * it had. A new one that fails or is aborted is removed again; an old one is left as it is. `loadPrograms` is asked only for a new one.
   * Fails `cluster_unsupported`, `cluster_shape_differs`, `cluster_subnet_in_use`, `cluster_part_failed`, `host_tool_failed`.
   */
  async up(
    shape: ClusterShape,
    loadPrograms: (signal: AbortSignal) => Promise<ClusterPrograms>,
    signal: AbortSignal
  ): Promise<'started' | 'unchanged'> {
    const wanted = checkShape(shape)
    needSupport()
    await using _lock = await this.#lock(signal)
    const known = this.#record()
    if (known && !sameShape(known.shape, wanted)) {
      throw failure('cluster_shape_differs', { running: describeShape(known.shape), wanted: describeShape(wanted) })
    }
    const plan = planCluster(this.#folder, wanted)
    if (known?.phase === 'ready') {
      const { state } = await readStatus(partsOf(plan, known.programs), signal)
      if (state === 'running') return 'unchanged'
    }
    await needFreeSubnet(plan, signal)
    const record: ClusterRecord = known ?? {
      version: 1,
      shape: wanted,
      phase: 'making',
      networkBootId: null,
      programs: await loadPrograms(signal),
    }
    await this.#start(plan, record, signal)
    return 'started'
  }

  /** Removes every trace of it. False: there was none. Fails `cluster_not_removed`, and can then be tried again. */
  async down(signal: AbortSignal): Promise<boolean> {
    needSupport()
    await using _lock = await this.#lock(signal)
    return removeCluster(this.#folder)
  }

  async status(signal: AbortSignal): Promise<ClusterStatus> {
    const record = this.#record()
    return record ? readStatus(this.#partsOf(record), signal) : absent
  }

  /** Fails `cluster_not_running`. */
  get kubeconfig(): string {
    return this.#need().plan.kubeconfigFile
  }

  /** The path of a kubectl of the cluster's own version. Fails `cluster_not_running`. */
  get kubectl(): string {
    return join(this.#need().programs.kubernetes, 'kubectl')
  }

  /** Fails `cluster_not_running`. */
  get plan(): ClusterPlan {
    return this.#need().plan
  }

  /** Gives all nodes the images of an OCI archive. Fails `host_tool_failed`, `cluster_not_running`. */
  async loadImage(archive: string, signal: AbortSignal): Promise<void> {
    await using _lock = await this.#lock(signal)
    const { nodes, programs } = this.#need()
    for (const machine of nodes.values()) {
      const place = join(machine.plan.folder, 'tmp', archiveName)
      try {
        await copyFile(archive, place)
        await importImage(machine, programs, `/tmp/${archiveName}`, signal)
      } finally {
        await rm(place, { force: true })
      }
    }
  }

  /** A power cut of one node: everything on it ends at once. Its disk stays. Fails `cluster_not_running`, `invalid_request`. */
  async killNode(name: string, signal: AbortSignal): Promise<void> {
    await using _lock = await this.#lock(signal)
    await this.#machine(name).kill()
  }

  /** Its kubelet, kube-proxy and containerd end; its pods run on, watched by nobody. Fails `cluster_not_running`, `invalid_request`. */
  async stopNode(name: string, signal: AbortSignal): Promise<void> {
    await using _lock = await this.#lock(signal)
    const machine = this.#machine(name)
    for (const service of nodeServiceNames.toReversed()) await machine.stopService(service)
  }

  /** Starts what does not run of it, and waits until the API server has it as ready. Fails `cluster_part_failed`. */
  async startNode(name: string, signal: AbortSignal): Promise<void> {
    await using _lock = await this.#lock(signal)
    const parts = this.#need()
    await startNode(parts, nodeOf(parts.plan, name), signal)
  }

  /** Kills a program of the control plane, and returns when it and the API server are healthy again. Fails `cluster_part_failed`. */
  async restartControlPlane(program: 'etcd' | 'kube-apiserver', signal: AbortSignal): Promise<void> {
    await using _lock = await this.#lock(signal)
    const parts = this.#need()
    const certificates = await Certificates.open(parts.plan.secrets, signal)
    const { authority, admin } = await writeFiles(parts, certificates, signal)
    using api = new ApiClient(parts.plan.apiServer, authority, admin)
    const services = controlPlaneServices(parts, authority, (inner) => api.ready(inner))
    const named = (name: string) => services.find((service) => service.name === name) as Service
    await parts.controlPlane.killService(program)
    await parts.controlPlane.ensureService(named(program), signal)
    await parts.controlPlane.ensureService(named('kube-apiserver'), signal)
  }

  async #start(plan: ClusterPlan, record: ClusterRecord, signal: AbortSignal): Promise<void> {
    let current = record
    const write = async (change: Partial<ClusterRecord>) => {
      current = { ...current, ...change }
      await writeRecord(this.#folder, current)
    }
    await write({})
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const network = {
      made: record.networkBootId === bootId,
      onMade: () => write({ networkBootId: bootId }),
    }
    try {
      await startCluster(partsOf(plan, record.programs), network, this.#report, signal)
      await write({ phase: 'ready' })
    } catch (error) {
      if (record.phase === 'making') await this.#removeAfter(error)
      throw error
    }
  }

  /** The clean-up ignores the signal that may have been the reason. */
  async #removeAfter(error: unknown): Promise<void> {
    this.#report('it did not start: removing what was made of it')
    try {
      await removeCluster(this.#folder)
    } catch (left) {
      throw failure(
        'cluster_not_removed',
        { left: (left as Error).message },
        { cause: new AggregateError([error, left]) }
      )
    }
  }

  async #lock(signal: AbortSignal): Promise<AsyncDisposable> {
    await mkdir(dirname(this.#folder), { recursive: true })
    return lockFile(`${this.#folder}.lock`, signal, () => this.#report('another command is at work on it; waiting'))
  }

  #record(): ClusterRecord | undefined {
    return readRecord(this.#folder)
  }

  #partsOf({ shape, programs }: ClusterRecord): ClusterParts {
    return partsOf(planCluster(this.#folder, shape), programs)
  }

  #need(): ClusterParts {
    const record = this.#record()
    if (!record) throw failure('cluster_not_running', { folder: this.#folder })
    return this.#partsOf(record)
  }

  #machine(node: string): Machine {
    const { plan, nodes } = this.#need()
    const machine = nodes.get(nodeOf(plan, node))
    // Both are of the same reading of the record.
    return machine as Machine
  }
}

function partsOf(plan: ClusterPlan, programs: ClusterPrograms): ClusterParts {
  const house = {
    id: plan.id,
    artifacts: dirname(programs.images),
    volumes: plan.volumes,
    images: programs.images,
    path: programPath(programs),
  }
  return {
    plan,
    programs,
    controlPlane: new Machine(plan.controlPlane, house),
    nodes: new Map(plan.nodes.map((node) => [node, new Machine(node, house)])),
  }
}
