import type { Pod, Stored } from '../../../packages/kubernetes/src/controller/index.ts'

/** Differences between what is and what is to be, of one object. */
export class Problems {
  readonly found: string[] = []
  readonly #of: string

  constructor(of: string) {
    this.#of = of
  }

  expect(what: string, found: unknown, wanted: unknown): void {
    const [is, should] = [JSON.stringify(found), JSON.stringify(wanted)]
    if (is !== should) this.found.push(`${this.#of}: ${what}: ${is}, and should be ${should}`)
  }
}

export const called = ({ kind, metadata }: Stored): string => `${kind} ${metadata.name}`
export const nameOf = ({ metadata }: Stored): string => metadata.name
export const addressesOf = (pod: Stored<Pod>): string[] => (pod.status?.podIPs ?? []).map(({ ip }) => ip ?? '')
