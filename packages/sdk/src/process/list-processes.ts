import { Process as ProcessService } from '@bulkhead/wire/process'
import { guestFailure } from '../rpc/guest-failure.ts'
import type { RpcClient } from '../rpc/rpc-client.ts'

export interface ProcessInfo {
  readonly pid: number
  readonly tag: string | undefined
  readonly argv: readonly string[]
  readonly cwd: string | undefined
}

export async function listProcesses(rpc: RpcClient, signal?: AbortSignal): Promise<ProcessInfo[]> {
  try {
    const { processes } = await rpc.unary(ProcessService.method.list, {}, { signal })
    return processes.map(({ pid, tag, config }) => ({
      pid,
      tag,
      argv: config ? [config.cmd, ...config.args] : [],
      cwd: config?.cwd,
    }))
  } catch (error) {
    throw guestFailure(error, 'processes')
  }
}
