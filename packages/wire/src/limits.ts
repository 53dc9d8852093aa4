/** What a sandbox may be given, in bytes, processors and milliseconds. Apart from the schemas: a client can know them without loading zod. */
const MiB = 1024 * 1024
export const limits = {
  memoryBytes: { min: 64 * MiB, max: 1024 * 1024 * MiB, default: 512 * MiB },
  cpus: { min: 1, max: 64, default: 1 },
  diskBytes: { min: 16 * MiB, max: 16 * 1024 * 1024 * MiB, default: 4096 * MiB },
  deadlineMs: { min: 1000, max: 30 * 24 * 3600 * 1000 },
} as const
