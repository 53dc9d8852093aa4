/** https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.pheader.html: the path of the dynamic linker. */
const interpreterSegment = 3
const offsets = { programHeaders: 32, headerSize: 54, headerCount: 56 } as const

/** Whether a 64-bit little-endian ELF program runs without a dynamic linker, hence without libraries. False for what is no such program. */
export function isStatic(program: Buffer): boolean {
  const magic = program.subarray(0, 6)
  if (!magic.equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]))) return false
  const start = Number(program.readBigUInt64LE(offsets.programHeaders))
  const size = program.readUInt16LE(offsets.headerSize)
  const count = program.readUInt16LE(offsets.headerCount)
  return !Array.from({ length: count }, (_, at) => program.readUInt32LE(start + at * size)).includes(interpreterSegment)
}
