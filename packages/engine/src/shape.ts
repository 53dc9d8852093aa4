import { createHash } from 'node:crypto'
import type { CreateSandbox, IsolationClass, RuntimeName } from '@bulkhead/wire'
import type { ResolvedImage } from './config.ts'

const MiB = 1024 * 1024

/** What makes two sandboxes interchangeable before a caller has got one: they can share a template and come from one pool. */
export interface Shape {
  /** Digest of all the rest. */
  readonly key: string
  readonly image: ResolvedImage
  readonly runtime: RuntimeName
  readonly isolation: IsolationClass
  readonly memoryBytes: number
  readonly cpus: number
  readonly diskBytes: number
}

/** Sizes that differ by less make no difference to anybody but would each have a template of its own. */
const wholeMiB = (bytes: number): number => Math.ceil(bytes / MiB) * MiB

/** `fingerprint`: the runtime's own part, see `KernelRuntime.fingerprint`. */
export function shapeOf(
  wanted: Pick<CreateSandbox, 'memoryBytes' | 'cpus' | 'diskBytes'>,
  placement: { readonly runtime: RuntimeName; readonly isolation: IsolationClass },
  image: ResolvedImage,
  fingerprint: string
): Shape {
  const { cpus } = wanted
  const memoryBytes = wholeMiB(wanted.memoryBytes)
  const diskBytes = wholeMiB(wanted.diskBytes)
  const { runtime, isolation } = placement
  const parts = [image.digest, image.path, runtime, isolation, memoryBytes, cpus, diskBytes, fingerprint]
  const key = createHash('sha256').update(JSON.stringify(parts)).digest('hex')
  return { key, image, runtime, isolation, memoryBytes, cpus, diskBytes }
}
