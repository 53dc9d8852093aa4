import { expect, it } from 'vitest'
import { cpio } from './cpio.ts'

it('writes newc: header, name and content each padded to four bytes, closed by the trailer', () => {
  const archive = Buffer.concat([...cpio([{ path: 'ab', mode: 0o100755, content: Buffer.from('hello') }])])
  const header = (inode: string, mode: string, size: string, name: string) =>
    `070701${inode}${mode}${'0'.repeat(16)}00000001${'0'.repeat(8)}${size}${'0'.repeat(32)}${name}${'0'.repeat(8)}`
  expect(archive.toString('latin1')).toBe(
    `${header('00000001', '000081ed', '00000005', '00000003')}ab\0\0\0\0` +
      'hello\0\0\0' +
      `${header('00000000', '00000000', '00000000', '0000000b')}TRAILER!!!\0\0\0\0`
  )
  expect(archive.length % 4).toBe(0)
})
