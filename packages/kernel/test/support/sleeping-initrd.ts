import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Of x86-64: `pause` for ever. Nothing else is in the guest, so nothing else can be waited for. */
const code = Buffer.from([0xb8, 0x22, 0x00, 0x00, 0x00, 0x0f, 0x05, 0xeb, 0xf7]) // mov eax, 34; syscall; jmp back
const base = 0x400000
const headers = 64 + 56

/** An initrd whose first process never says anything, in `folder`; returns its path. */
export async function sleepingInitrd(folder: string): Promise<string> {
  const path = join(folder, 'sleeping-initrd.cpio')
  await writeFile(path, Buffer.concat([member('init', 0o100755, sleepingProgram()), member('TRAILER!!!', 0)]))
  return path
}

/** Of a cpio archive in the format `newc`. */
function member(name: string, mode: number, content: Buffer = Buffer.alloc(0)): Buffer {
  // Inode, mode, uid, gid, links, time, size, two devices, length of the name, checksum.
  const fields = [1, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0]
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`)
  return Buffer.concat([padded(header), padded(content)])
}

const padded = (data: Buffer) => Buffer.concat([data, Buffer.alloc(-data.length & 3)])

/** The smallest ELF file that Linux runs: one header, one segment that is all of it. */
function sleepingProgram(): Buffer {
  const elf = Buffer.alloc(headers)
  elf.write('\x7fELF\x02\x01\x01', 0, 'latin1')
  elf.writeUInt16LE(2, 16) // ET_EXEC
  elf.writeUInt16LE(62, 18) // EM_X86_64
  elf.writeUInt32LE(1, 20)
  elf.writeBigUInt64LE(BigInt(base + headers), 24) // entry
  elf.writeBigUInt64LE(64n, 32) // program headers
  elf.writeUInt16LE(64, 52)
  elf.writeUInt16LE(56, 54)
  elf.writeUInt16LE(1, 56)
  elf.writeUInt32LE(1, 64) // PT_LOAD
  elf.writeUInt32LE(5, 68) // readable, executable
  elf.writeBigUInt64LE(BigInt(base), 80)
  elf.writeBigUInt64LE(BigInt(base), 88)
  elf.writeBigUInt64LE(BigInt(headers + code.length), 96)
  elf.writeBigUInt64LE(BigInt(headers + code.length), 104)
  elf.writeBigUInt64LE(4096n, 112)
  return Buffer.concat([elf, code])
}
