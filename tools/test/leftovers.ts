import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import path from 'node:path'
import type { Step } from './step.ts'

/** What a run could leave on the machine: everything that bears our name, or runs as one of our sandbox users. */
function traces(): Set<string> {
  const found = new Set<string>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const command = quietly(() => readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' ').trim())
    if (
      command &&
      /qemu-system|runsc|bulkhead-|\/run\/bulkhead\/|\/holder |docker-registry|packages\/(cli|kubernetes)\/|\/artifacts\/cluster-/.test(
        command
      ) &&
      Number(entry) !== process.pid
    )
      found.add(`process ${entry}: ${command.slice(0, 160)}`)
  }
  for (const line of (quietly(() => readFileSync('/proc/self/mountinfo', 'utf8')) ?? '').split('\n'))
    if (/bulkhead|null-netns/.test(line)) found.add(`mount: ${line.split(' ')[4]}`)
  for (const hierarchy of quietly(() => ['', ...readdirSync('/sys/fs/cgroup')]) ?? [])
    for (const group of quietly(() => readdirSync(`/sys/fs/cgroup/${hierarchy}`)) ?? [])
      if (group.startsWith('bulkhead-')) found.add(`cgroup: ${path.join(hierarchy, group)}`)
  for (const namespace of quietly(() => readdirSync('/run/netns')) ?? []) found.add(`network namespace: ${namespace}`)
  return found
}

function quietly<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined // gone between listing and reading
  }
}

/** Ancestors and this run's own server may stay; compare with what was there before the tests. */
export function leftovers(): { before: Step; after: Step } {
  let known = new Set<string>()
  const self = quietly(() => readlinkSync('/proc/self/exe')) ?? 'node'
  return {
    before: {
      name: 'note what is on the machine',
      run: async () => {
        known = traces()
        return { passed: 0, failed: 0, failures: [] }
      },
    },
    after: {
      name: 'nothing left over',
      run: async () => {
        const left = [...traces().difference(known)].filter((trace) => !trace.includes(`${self} tools/`))
        return left.length === 0
          ? { passed: 1, failed: 0, failures: [] }
          : { passed: 0, failed: 1, failures: left.map((trace) => `left over: ${trace}`) }
      },
    },
  }
}
