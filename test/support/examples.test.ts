import { expect, it } from 'vitest'
import { patternOf } from './examples.ts'

it.each<[string, string, boolean]>([
  ['45\n', '45\n', true],
  ['45\n', '46\n', false],
  ['45\n', '45\n46\n', false],
  ['', '', true],
  ['', 'something\n', false],
  ['a.b\n', 'a-b\n', false],
  ['NAME  AGE\nmine  …\n', 'NAME       AGE\nmine       12s\n', true],
  ['NAME  AGE\nmine  …\n', 'NAME       AGE\nyours      12s\n', false],
  ['…\ndone\n', 'one\ntwo\ndone\n', true],
  ['…\ndone\n', 'one\ntwo\n', false],
  ['…/kubeconfig\n', '/var/lib/cluster/kubeconfig\n', true],
  ['…\n', 'any\nthing\n', true],
])('%j as a pattern, and %j: %s', (output, printed, matches) => {
  expect(patternOf(output).test(printed)).toBe(matches)
})
