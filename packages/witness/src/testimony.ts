import type { HostWitness, InsideView, RuntimeName } from '@bulkhead/wire'

/** Another running kernel that this one must differ from; what is not known of it is left out. */
export interface OtherKernel {
  readonly id: string
  readonly uid?: number
  /** As its inside last said. */
  readonly bootId?: string
}

/** What the word of an inside is held against. */
export interface InsideTestimony {
  readonly runtime: RuntimeName
  readonly hostBootId: string
  readonly hostKernelRelease: string
  /** Absent: the inside did not answer. */
  readonly inside?: InsideView
  /** What the inside was asked to repeat. Absent: an inside view proves nothing and its check fails. */
  readonly nonce?: string
  readonly others: readonly OtherKernel[]
}

export interface Testimony extends Omit<InsideTestimony, 'runtime'> {
  readonly host: HostWitness
  /** The uid and gid it was to be started with. Absent: not started as root, so with none of its own. */
  readonly expectedUid?: number
  /** Absolute host folders that belong to this kernel alone: it may write there. */
  readonly ownDirectories?: readonly string[]
}
