import { readFile } from 'node:fs/promises'

/** What the host says of its own kernel; every sandbox's must differ. */
export interface HostView {
  /** /proc/sys/kernel/random/boot_id: a UUID made at boot. */
  readonly bootId: string
  /** `uname -r`. */
  readonly kernelRelease: string
}

export async function hostView(): Promise<HostView> {
  const read = async (name: string) => (await readFile(`/proc/sys/kernel/${name}`, 'utf8')).trim()
  const [bootId, kernelRelease] = await Promise.all([read('random/boot_id'), read('osrelease')])
  return { bootId, kernelRelease }
}
