import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { examplesIn, root } from './support/examples.ts'
import { openProduct, type Product } from './support/product.ts'

let product: Product
beforeAll(async () => {
  product = await openProduct()
})
afterAll(() => product?.[Symbol.asyncDispose]())

const examples = ['README.md', ...globSync('docs/*.md', { cwd: root })].flatMap((page) =>
  examplesIn(page).map((example) => ({ page, ...example }))
)

it.each(examples)('$page: $command', async ({ command, output }) => {
  const { stdout } = await promisify(execFile)('bash', ['-c', command], { cwd: root, env: product.env })
  expect(stdout.trimEnd()).toBe(output.trimEnd())
})

it('names the two commands that set everything up, and CI runs the second', () => {
  const readme = readFileSync(path.join(root, 'README.md'), 'utf8')
  expect(readme).toContain("./bulkhead run --yes -- python3 -c 'print(sum(range(10)))'")
  expect(readme).toContain('./bulkhead test --yes')
  expect(readFileSync(path.join(root, '.ci/run'), 'utf8')).toMatch(/bulkhead" test --yes$/m)
})
