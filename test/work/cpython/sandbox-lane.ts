import { readFileSync } from 'node:fs'
import type { CreateSandboxInput } from '@bulkhead/sdk/node'
import type { Product } from '../../support/product.ts'
import { type ModuleReport, type Plan, readReports } from './module-report.ts'
import { runner } from './runner.ts'

/** Runs the plan in a sandbox of its own. */
export async function inSandbox(
  product: Product,
  request: CreateSandboxInput,
  plan: Plan,
  signal: AbortSignal
): Promise<ModuleReport[]> {
  const sandbox = await product.client.sandboxes.create(request, { signal })
  try {
    await sandbox.files.write('run_modules.py', readFileSync(runner), { signal })
    const { exit, stdout, stderr } = await sandbox.run(['python3', 'run_modules.py', JSON.stringify(plan)], { signal })
    const reports = readReports(Buffer.from(stdout).toString())
    if (exit.kind === 'exited' && exit.code === 0) return reports
    throw new Error(`the runner of the modules ended with ${JSON.stringify(exit)}: ${Buffer.from(stderr)}`)
  } finally {
    await sandbox.delete()
  }
}
