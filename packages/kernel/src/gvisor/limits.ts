const MiB = 1024 * 1024

/** Of runsc's own: the sentry, the file server, runsc itself, and the page tables of what runs in it. The guest has its memory besides. */
const overheadBytes = 64 * MiB

/** What the cgroup may have for a guest of this size. */
export const chargedBytes = (memoryBytes: number): number => memoryBytes + overheadBytes

/**
 * Processes and threads of one kernel on the host: runsc's own, about 60, and two to three for each thread of the guest. Reached, the sentry
 * can start no more and gives up: the kernel ends, nothing beside it.
 */
export const maxProcesses = 1900
