import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { programNames } from './programs.ts'
import { type ClusterRecord, readRecord, recordName, writeRecord } from './record.ts'
import { defaultShape } from './shape.ts'

let parent: string
let folder: string
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'bulkhead-record-'))
  folder = join(parent, 'cluster')
})
afterEach(() => rmSync(parent, { recursive: true, force: true }))

const record: ClusterRecord = {
  version: 1,
  shape: defaultShape,
  phase: 'making',
  networkBootId: null,
  programs: Object.fromEntries(programNames.map((name) => [name, `/artifacts/${name}`])) as ClusterRecord['programs'],
}

it('is kept whole, for root alone', async () => {
  expect(readRecord(folder)).toBeUndefined()
  await writeRecord(folder, record)
  await writeRecord(folder, { ...record, phase: 'ready' })
  expect(readRecord(folder)).toEqual({ ...record, phase: 'ready' })
  expect(readdirSync(folder)).toEqual([recordName])
  expect(statSync(join(folder, recordName)).mode & 0o077).toBe(0)
})

it.each(['', '{"version":1', '{"version":2}', JSON.stringify({ version: 1, phase: 'making' })])(
  'says so when it cannot be made sense of: %j',
  async (text) => {
    await writeRecord(folder, record)
    writeFileSync(join(folder, recordName), text)
    expect(() => readRecord(folder)).toThrow(expect.objectContaining({ code: 'cluster_record_invalid' }))
  }
)
