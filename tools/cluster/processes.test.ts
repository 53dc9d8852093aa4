import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { identifyProcess } from '../../packages/kernel/src/confine/process-identity.ts'
import { endProcess, findProgramOf, killMarked, markedProcesses } from './processes.ts'

const cluster = `test-${process.pid}`
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

async function start(part: string, argv: [string, ...string[]], id = cluster): Promise<ChildProcess> {
  const env = { PATH: process.env.PATH, BULKHEAD_CLUSTER: id, BULKHEAD_CLUSTER_PART: part }
  const child = spawn(argv[0], argv.slice(1), { env, stdio: ['ignore', 'pipe', 'ignore'] })
  children.push(child)
  await once(child, 'spawn')
  return child
}

it('finds what was started for the cluster, and nothing of another', async () => {
  const ours = await start('node-1/kubelet', ['sleep', '60'])
  await start('node-1/kubelet', ['sleep', '60'], `${cluster}0`)
  const found = markedProcesses(cluster)
  expect(found).toMatchObject([{ pid: ours.pid, parent: process.pid, program: 'sleep', part: 'node-1/kubelet' }])
  expect(found[0]).toMatchObject({ ...(await identifyProcess(ours.pid as number)) })
})

it('tells a program from its wrapper and its children', async () => {
  const shell = await start('node-1/sh', ['sh', '-c', 'sh -c "sleep 60; :" & echo; wait'])
  await once(shell.stdout as NodeJS.ReadableStream, 'data')
  const all = markedProcesses(cluster)
  expect(all.length).toBeGreaterThan(1)
  expect(findProgramOf(all, 'node-1/sh', 'sh')?.pid).toBe(shell.pid)
  expect(findProgramOf(all, 'node-2/sh', 'sh')).toBeUndefined()
  expect(findProgramOf(all, 'node-1/sh', 'kubelet')).toBeUndefined()
})

it('compares as many characters of a name as Linux keeps', () => {
  const one = { pid: 7, startTime: '1', parent: 1, part: 'control-plane/x', program: 'kube-controller' }
  expect(findProgramOf([one], one.part, 'kube-controller-manager')).toBe(one)
})

it('ends them all, also those that do not want to', async () => {
  const stubborn = await start('node-1/sh', ['sh', '-c', 'trap "" TERM; echo; sleep 60 & wait'])
  await once(stubborn.stdout as NodeJS.ReadableStream, 'data')
  await killMarked(cluster)
  expect(markedProcesses(cluster)).toEqual([])
})

it('insists on an end that it has asked for in vain', async () => {
  const stubborn = await start('node-1/sh', ['sh', '-c', 'trap "" TERM; echo; while :; do sleep 0.05; done'])
  await once(stubborn.stdout as NodeJS.ReadableStream, 'data')
  const ended = once(stubborn, 'exit')
  const identity = await identifyProcess(stubborn.pid as number)
  if (!identity) throw new Error('it is gone already')
  await endProcess(identity, 50)
  expect((await ended)[1]).toBe('SIGKILL')
})
