import { createHash } from 'node:crypto'
import type { CreateSandbox } from '@bulkhead/wire'
import type { Placement } from './placement.ts'

const MiB = 1024 * 1024

/** What makes two sandboxes interchangeable before a caller has got one: they share a template and its pool. */
export interface Shape extends Placement {
  /** Of the template and of the pool: a digest of all the rest, and of what Pods are made from besides. */
  readonly name: string
  readonly image: string
  readonly memoryBytes: number
  readonly cpus: number
  readonly diskBytes: number
}

/** As on one machine: what differs by less makes no difference to anybody. */
const wholeMiB = (bytes: number): number => Math.ceil(bytes / MiB) * MiB

/** `fingerprint`: of what makes Pods of the same wishes different, such as the agent's image. */
export function shapeOf(
  wanted: Pick<CreateSandbox, 'memoryBytes' | 'cpus' | 'diskBytes'>,
  { runtime, isolation, runtimeClass }: Placement,
  image: string,
  fingerprint: readonly unknown[]
): Shape {
  const { cpus } = wanted
  const memoryBytes = wholeMiB(wanted.memoryBytes)
  const diskBytes = wholeMiB(wanted.diskBytes)
  const parts = [image, runtime, isolation, runtimeClass, memoryBytes, cpus, diskBytes, ...fingerprint]
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest('hex')
  return {
    name: `bulkhead-${digest.slice(0, 20)}`,
    image,
    runtime,
    isolation,
    runtimeClass,
    memoryBytes,
    cpus,
    diskBytes,
  }
}
