import { globSync, rmdirSync, rmSync } from 'node:fs'
import type { Sandbox } from '@bulkhead/wire'
import { resolvePaths } from '../src/paths.ts'
import { lockFile } from '../src/setup/file-lock.ts'
import { CommandLine } from './command-line.ts'
import { installedState } from './installed-state.ts'

/** An installation for one test file, and the command line on it. Disposing leaves nothing of it on the machine, whatever the tests did. */
export function ownInstallation(): { readonly cli: CommandLine } & AsyncDisposable {
  const state = installedState()
  const cli = new CommandLine(state.folder)
  const paths = resolvePaths(state.folder, process.env, process.getuid?.() ?? 0)
  return {
    cli,
    async [Symbol.asyncDispose]() {
      try {
        // Sandboxes outlive the server: those that a failed test left behind have to go first.
        const ids = (await cli.json<Sandbox[]>(['ls'])).map(({ id }) => id)
        if (ids.length > 0) await cli.run(['rm', ...ids])
        await cli.run(['server', 'stop'])
        await using _ended = await lockFile(`${paths.state}/server.lock`, AbortSignal.timeout(30_000))
      } finally {
        rmSync(paths.run, { recursive: true, force: true })
        for (const cgroup of globSync(`/sys/fs/cgroup/{,*/}${paths.cgroupRoot}`)) rmdirSync(cgroup)
        state[Symbol.dispose]()
      }
    },
  }
}
