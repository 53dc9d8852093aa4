import type { IsolationClass } from '@bulkhead/wire'

/** What of a pod shows on its node. */
export type Sighting =
  /** A program that is a kernel runs it, and nothing else does. */
  | { readonly kind: 'own-kernel'; readonly class: IsolationClass; readonly process: KernelProcess }
  /** Some program of it runs on the node's kernel. `executable`: which; from the pod, so hostile. */
  | { readonly kind: 'node-kernel'; readonly executable: string; readonly process: KernelProcess }
  | { readonly kind: 'unseen'; readonly why: string }

/** The process that the runtime has for the pod's sandbox. */
export interface KernelProcess {
  readonly pid: number
  readonly executable: string
  /** The least of its four. */
  readonly uid: number
  /** 0 none, 1 strict, 2 filter. */
  readonly seccomp: number
  readonly capabilities: readonly string[]
  /** Then its capabilities count in there only. */
  readonly ownUserNamespace: boolean
}
