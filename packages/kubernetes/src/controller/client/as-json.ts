/**
 * An object of `@kubernetes/client-node` as it really is on the wire, and as this kit gives it out: that library's classes say `Date` where the
 * JSON has RFC 3339 text, and rename members that are reserved words (`_from`, `_continue`) or that have dashes (`x_kubernetes_…`). Read-only all
 * through, because cached objects are shared.
 */
export type AsJson<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? readonly AsJson<Item>[]
    : T extends object
      ? { readonly [Key in keyof T as JsonName<Key>]: AsJson<T[Key]> }
      : T

type JsonName<Key> = Key extends `_${infer Name}`
  ? Name
  : Key extends `x_kubernetes_${infer Rest}`
    ? `x-kubernetes-${Dashed<Rest>}`
    : Key

type Dashed<Text extends string> = Text extends `${infer Head}_${infer Tail}` ? `${Head}-${Dashed<Tail>}` : Text
