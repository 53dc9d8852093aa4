import { expect, it } from 'vitest'
import { formatSize, parseSize } from './size.ts'

const MiB = 2 ** 20
const limit = { min: 64 * MiB, max: 2 ** 40 }

it.each([
  ['512M', 512 * MiB],
  ['512m', 512 * MiB],
  ['1G', 1024 * MiB],
  ['1.5GiB', 1536 * MiB],
  ['2GB', 2048 * MiB],
  [' 67108864 ', 64 * MiB],
  ['1T', 2 ** 40],
])('reads %j', (text, bytes) => expect(parseSize(text, '--memory', limit)).toBe(bytes))

it.each([
  '',
  'abc',
  '-1',
  '1e9',
  '0x40000000',
  '512 M',
  '1P',
  'Infinity',
  'NaN',
  '1,5G',
  '9'.repeat(40),
  '1G\n2G',
  '٣G',
])('refuses %j as no size', (text) =>
  expect(() => parseSize(text, '--memory', limit)).toThrow(
    expect.objectContaining({ code: 'invalid_request', message: expect.stringMatching(/^--memory: .*is not a size/s) })
  )
)

it.each(['0', '1M', '63.9M', '10T', '999999999999999T'])('refuses %j as out of range', (text) =>
  expect(() => parseSize(text, '--memory', limit)).toThrow(
    expect.objectContaining({ code: 'invalid_request', message: expect.stringContaining('--memory') })
  )
)

it('writes sizes as people do', () => {
  expect([0, 1023, 1024, 1536, 64 * MiB, 2 ** 40].map(formatSize)).toEqual(['0B', '1023B', '1K', '1.5K', '64M', '1T'])
})
