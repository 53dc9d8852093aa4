import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { isStatic } from './elf.ts'

/** A header with program headers of the given types, 56 bytes each. */
function elf(types: readonly number[]): Buffer {
  const program = Buffer.alloc(64 + 56 * types.length)
  program.set([0x7f, 0x45, 0x4c, 0x46, 2, 1])
  program.writeBigUInt64LE(64n, 32)
  program.writeUInt16LE(56, 54)
  program.writeUInt16LE(types.length, 56)
  for (const [at, type] of types.entries()) program.writeUInt32LE(type, 64 + 56 * at)
  return program
}

it('knows a program with a dynamic linker from one without', () => {
  expect(isStatic(elf([1, 1, 2]))).toBe(true)
  expect(isStatic(elf([6, 3, 1]))).toBe(false)
  expect(isStatic(readFileSync('/bin/sh'))).toBe(false)
})

it('takes a script for none', () => {
  expect(isStatic(Buffer.from('#!/bin/sh\n'))).toBe(false)
})
