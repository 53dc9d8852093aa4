import { randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import path from 'node:path'
import type { GuestIdentity, KernelSpec, RunningKernel } from '@bulkhead/kernel'
import type { IsolationClass } from '@bulkhead/wire'
import { start } from '../packages/kernel/test/support/guest-command.ts'
import { command, MiB } from './first-byte.ts'
import { installation } from './installed.ts'

const hex = (bytes: number): string => randomBytes(bytes).toString('hex')
let last = 0

/** A kernel to boot without engine or server, with 256 MiB of memory and a disk of 1 GiB. */
export function bareSpec(folder: string, isolation: IsolationClass): KernelSpec {
  const identity: GuestIdentity = {
    hostname: 'bench',
    machineId: hex(16),
    accessToken: hex(32),
    channelKey: hex(16),
    env: {},
    user: 'user',
    workdir: '/home/user',
  }
  last += 1
  return {
    id: `bench-${process.pid}-${last}`,
    rootImage: installation().rootImage,
    memoryBytes: 256 * MiB,
    cpus: 1,
    diskBytes: 1024 * MiB,
    uid: 1_800_000_000 + last,
    isolation,
    identity,
    stateDirectory: mkdtempSync(path.join(folder, 'kernel-')),
  }
}

export async function kernelFirstByte(kernel: RunningKernel): Promise<void> {
  for await (const { event } of await start(kernel, [...command])) if (event?.event.case === 'data') return
  throw new Error('ended without output')
}
