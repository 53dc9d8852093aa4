import { expect, it } from 'vitest'
import { parseLdd } from './runtime-files.ts'

it('finds the files of libraries, and of the loader', () => {
  const output = [
    '\tlinux-vdso.so.1 (0x00007f7ab421f000)',
    '\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f7ab4129000)',
    '\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f7ab3c1e000)',
    '\t/lib64/ld-linux-x86-64.so.2 (0x00007f7ab4221000)',
  ].join('\n')
  expect(parseLdd(output)).toEqual([
    '/lib/x86_64-linux-gnu/libc.so.6',
    '/lib/x86_64-linux-gnu/libm.so.6',
    '/lib64/ld-linux-x86-64.so.2',
  ])
})

it('says which library is missing', () => {
  expect(() => parseLdd('\tlibstdc++.so.6 => not found\n')).toThrow('no libstdc++.so.6')
})
