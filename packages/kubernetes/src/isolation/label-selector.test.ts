import { describe, expect, it } from 'vitest'
import type { LabelSelector } from '../api/index.ts'
import { celSelects, selectorKeys, selectsLabels } from './label-selector.ts'

const one = (operator: string, values?: string[]): LabelSelector => ({
  matchExpressions: [{ key: 'a', operator, ...(values && { values }) }],
})

describe('a selector', () => {
  it.each<[selector: LabelSelector, labels: Record<string, string>, selects: boolean]>([
    [{}, {}, true],
    [{ matchLabels: { a: 'b' } }, { a: 'b', c: 'd' }, true],
    [{ matchLabels: { a: 'b' } }, { a: 'c' }, false],
    [{ matchLabels: { a: 'b', c: 'd' } }, { a: 'b' }, false],
    [one('In', ['b', 'c']), { a: 'c' }, true],
    [one('In', ['b']), {}, false],
    [one('NotIn', ['b']), {}, true],
    [one('NotIn', ['b']), { a: 'b' }, false],
    [one('Exists'), { a: '' }, true],
    [one('Exists'), {}, false],
    [one('DoesNotExist'), {}, true],
    [one('DoesNotExist'), { a: 'b' }, false],
    // Not members of every object.
    [{ matchExpressions: [{ key: 'constructor', operator: 'Exists' }] }, {}, false],
    [
      { matchLabels: { a: 'b' }, matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['b'] }] },
      { a: 'b' },
      false,
    ],
  ])('%j of %j: %s', (selector, labels, selects) => {
    expect(selectsLabels(selector, labels)).toBe(selects)
  })

  it('is the same in CEL, with every text a literal', () => {
    const selector: LabelSelector = {
      matchLabels: { 'a"': 'b\\' },
      matchExpressions: [
        { key: 'c', operator: 'NotIn', values: ['d', 'e'] },
        { key: 'f', operator: 'Exists' },
        { key: 'g', operator: 'DoesNotExist' },
      ],
    }
    expect(celSelects(selector, 'L')).toBe(
      '("a\\"" in L && L["a\\""] in ["b\\\\"]) && (!("c" in L && L["c"] in ["d", "e"])) && ("f" in L) && (!("g" in L))'
    )
    expect(selectorKeys(selector)).toEqual(['a"', 'c', 'f', 'g'])
  })

  it.each(['Near', 'constructor', 'toString'])('with the operator %s is none', (operator) => {
    expect(() => celSelects(one(operator), 'L')).toThrow(TypeError)
    expect(() => selectsLabels(one(operator), {})).toThrow(TypeError)
  })
})
