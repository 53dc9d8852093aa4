import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { identifyProcess, isAlive } from './process-identity.ts'

it('knows a process until it has ended, whatever it calls itself', async () => {
  const child = spawn('/bin/sh', ['-c', "printf ') R 1 2 (' > /proc/$$/comm; echo ready; read line"], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  const identity = await identifyProcess(child.pid ?? 0)
  if (!identity) throw new Error('not found')
  expect(Number(identity.startTime)).toBeGreaterThan(0)
  expect(await isAlive(identity)).toBe(true)
  expect(await isAlive({ ...identity, startTime: '1' }), 'a reused pid').toBe(false)
  child.stdin.end('\n')
  await once(child, 'exit')
  expect(await isAlive(identity)).toBe(false)
})
