/**
 * Preloaded by the operator in a mount namespace of its own: gives it what a Pod has of its service account, where a Pod has it. BENCH_SERVICE_ACCOUNT is
 * the folder it comes from.
 */
import { execFileSync } from 'node:child_process'
import { cpSync } from 'node:fs'

const from = process.env.BENCH_SERVICE_ACCOUNT
if (!from) throw new Error('BENCH_SERVICE_ACCOUNT is not set')
delete process.env.BENCH_SERVICE_ACCOUNT
execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run'])
cpSync(from, '/run/secrets/kubernetes.io/serviceaccount', { recursive: true })
