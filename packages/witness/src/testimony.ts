import type { HostWitness, InsideView } from '@bulkhead/wire'

/** Another running kernel that this one must differ from; what is not known of it is left out. */
export interface OtherKernel {
  readonly id: string
  readonly uid?: number
  /** As its inside last said. */
  readonly bootId?: string
}

export interface Testimony {
  readonly hostBootId: string
  readonly hostKernelRelease: string
  readonly host: HostWitness
  /** Absent: the inside did not answer. */
  readonly inside?: InsideView
  /** What the inside was asked to repeat. Absent: an inside view proves nothing and its check fails. */
  readonly nonce?: string
  /** The uid and gid it was to be started with. Absent: not started as root, so with none of its own. */
  readonly expectedUid?: number
  readonly others: readonly OtherKernel[]
  /** Absolute host folders that belong to this kernel alone: it may write there. */
  readonly ownDirectories?: readonly string[]
}
