import { expect, vi } from 'vitest'
import { leftovers, type TestPlaces } from './test-machine.ts'

/**
 * Fails when something stays that is not of these sandboxes. Waits a little: a process that was killed may be seen for a moment after its
 * cgroup is empty, while it gives its memory back.
 */
export async function nothingIsLeft(places: TestPlaces, but: readonly string[] = []): Promise<void> {
  const others = async () => (await leftovers(places)).filter((thing) => !but.some((id) => thing.includes(id)))
  await vi.waitFor(async () => expect(await others()).toEqual([]), { timeout: 20_000 })
}
