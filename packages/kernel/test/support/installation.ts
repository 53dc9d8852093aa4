import { readFileSync } from 'node:fs'
import { z } from 'zod'

const Installation = z.object({
  qemu: z.string(),
  qemuImg: z.string(),
  runsc: z.string(),
  agent: z.string(),
  holder: z.string(),
  kernelImage: z.string(),
  initrd: z.string(),
  rootImage: z.string(),
})
export type Installation = z.infer<typeof Installation>

/** What the tests boot: the JSON file that BULKHEAD_TEST_INSTALLATION names. Without it they fail: nothing real is skipped silently. */
export function installation(): Installation {
  const file = process.env.BULKHEAD_TEST_INSTALLATION
  if (!file)
    throw new Error('set BULKHEAD_TEST_INSTALLATION to the JSON file of an installation (./bulkhead test does)')
  return Installation.parse(JSON.parse(readFileSync(file, 'utf8')))
}
