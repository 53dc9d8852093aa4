import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { ImageStore } from './image-store.ts'

it('can be used as soon as its folder can be made, also when it could not at first', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-images-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const inTheWay = join(folder, 'store')
  writeFileSync(inTheWay, '')
  const store = new ImageStore(inTheWay)
  await expect(store.list()).rejects.toThrow()
  rmSync(inTheWay)
  expect(await store.list()).toEqual([])
})
