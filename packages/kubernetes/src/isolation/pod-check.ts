/** Something that a Pod is judged by. Both are expressions, with the variables that `compilePodPolicy` defines. */
export interface PodCheck {
  /** Whether the Pod is wrong in this. */
  readonly wrong: string
  /** The text that says so, and what to do instead. */
  readonly complaint: string
}
