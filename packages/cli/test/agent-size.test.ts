import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, it } from 'vitest'
import { needInstallation } from '../src/setup/installation.ts'

// It is in the memory of every guest, and in the initrd that every cold boot reads.
it('the guest agent stays below 12 MB', () => {
  const { agent } = needInstallation(dirname(process.env.BULKHEAD_TEST_INSTALLATION ?? ''))
  expect(statSync(agent).size).toBeLessThan(12_000_000)
})
