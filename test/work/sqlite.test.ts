import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openProduct, type Product } from '../support/product.ts'
import { kernels } from './kernels.ts'

// In place of CPython's test_sqlite3, which Debian does not package.
const exercise = path.join(import.meta.dirname, 'sqlite/exercise.py')
const all = ['delete', 'wal'].flatMap((journal) =>
  ['writers', 'killed', 'busy', 'queries'].map((name) => `${name} ${journal}`)
)
const lines = (output: string | Buffer) => output.toString().trimEnd().split('\n')

let product: Product
beforeAll(async () => {
  product = await openProduct({ BULKHEAD_POOL_SIZE: '0' })
})
afterAll(() => product?.[Symbol.asyncDispose]())

describe('sqlite3 from Python', () => {
  it('works on the host, which shows that the exercise itself is right', async () => {
    const { stdout } = await promisify(execFile)('python3', [exercise])
    expect(lines(stdout)).toEqual(all)
  })

  it.each(Object.entries(kernels))(
    'works in %s: locks, a kill in mid-transaction, WAL, queries',
    { timeout: 300_000 },
    async (_, kernel) => {
      const { exitCode, stdout, stderr } = await product.cli(['run', ...kernel, exercise])
      expect({ exitCode, stderr, lines: lines(stdout) }).toEqual({ exitCode: 0, stderr: '', lines: all })
    }
  )
})
