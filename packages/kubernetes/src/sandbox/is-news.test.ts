import { expect, it } from 'vitest'
import { isNews } from './is-news.ts'
import { type SandboxParts, storedSandbox } from './testing/stored-sandbox.ts'

const saying = (reason: string): SandboxParts['status'] & object => ({
  conditions: [{ type: 'Ready', status: 'False', reason, message: String(Math.random()), lastTransitionTime: '' }],
})
const failing = { status: saying('ReconcilerError') }

it.each([
  ['an error in the status', failing, failing, false],
  ['a first error in the status', {}, failing, false],
  ['another status', failing, { status: saying('DependenciesNotReady') }, true],
  ['a wish, beside an error', failing, { ...failing, metadata: { generation: 4 } }, true],
  ['a label, beside an error', failing, { ...failing, metadata: { labels: { a: '1' } } }, true],
])('%s', (_, old, object, expected) => {
  expect(isNews({ type: 'updated', old: storedSandbox(old), object: storedSandbox(object) })).toBe(expected)
})

it('that a Sandbox has come, or gone', () => {
  const object = storedSandbox(failing)
  expect(isNews({ type: 'added', object })).toBe(true)
  expect(isNews({ type: 'deleted', object, unseen: false })).toBe(true)
})
