import { Command, CommanderError, Option } from 'commander'
import type { CommandContext } from './command-context.ts'
import { loadConfig } from './config.ts'
import { ExitCode } from './exit-code.ts'
import { Interruption } from './interruption.ts'
import { describeError } from './output/report-error.ts'
import { talk } from './output/streams.ts'
import { packageVersion } from './package-version.ts'
import { resolvePaths } from './paths.ts'

/** A command's own part, in a module of its own: returns the exit code. */
type Handler = (args: string[], options: never, context: CommandContext) => Promise<number>

/** Commands whose exit code is the workload's, so that ours have to keep out of its way. */
const passThrough = new Set(['run', 'exec'])

/** Parses and runs one command line; resolves with the exit code, never rejects. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  let debug = false
  let exitCode: number = ExitCode.success
  const ours = passThrough.has(argv[0] ?? '')
  try {
    const config = loadConfig(process.env)
    debug = config.debug
    const program = buildProgram((handler, command) => async () => {
      const args = command.processedArgs.flat().filter((arg) => arg !== undefined) as string[]
      exitCode = await (await handler())(args, command.opts() as never, {
        config,
        paths: resolvePaths(config.stateDirectory, process.env, process.getuid?.() ?? 0),
      })
    })
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) {
      // commander has said what is wrong; help and version end with 0.
      return error.exitCode === 0 ? ExitCode.success : ours ? ExitCode.bulkhead : ExitCode.usage
    }
    if (error instanceof Interruption) return error.exitCode
    talk(describeError(error, debug))
    return ours ? ExitCode.bulkhead : ExitCode.failed
  }
}

type Bind = (handler: () => Promise<Handler>, command: Command) => () => Promise<void>

function buildProgram(bind: Bind): Command {
  const program = new Command('bulkhead')
    .description('Runs every workload with a kernel of its own.')
    .version(packageVersion(), '--version', 'print the version')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeErr: (text) => process.stderr.write(text) })

  const add = (command: Command, handler: () => Promise<Handler>) => {
    command.exitOverride().action(bind(handler, command))
    return command
  }
  const json = () => new Option('--json', 'print the result as JSON')
  const yes = () => new Option('-y, --yes', 'install missing host packages without asking')

  const run = withSandboxOptions(
    withProcessOptions(program.command('run').summary('run a command, or a script, in a new sandbox'))
  )
  add(
    run
      .description(
        'Runs a command in a new sandbox and removes the sandbox. `run script.py` uploads the script and runs it with its interpreter.'
      )
      .argument('<command...>', 'the command and its arguments; `--` before it ends the options')
      .passThroughOptions()
      .option('--dir <path>', 'upload a folder as the working directory; what .gitignore excludes stays here')
      .option('--all', 'with --dir: upload what .gitignore excludes, too')
      .addOption(
        collect(
          '--out <path>',
          'bring a file or folder of the sandbox back into the current folder, also when the command fails; a file replaces a file, a folder is merged into one of its name, a symbolic link or another kind in its place is refused; at most as much as --disk; repeatable'
        )
      )
      .option('--evidence', 'show the proof that the sandbox has a kernel of its own')
      .option('--keep', 'keep the sandbox; `bulkhead exec` runs more in it, `bulkhead rm` removes it')
      .addOption(json())
      .addOption(yes()),
    async () => (await import('./commands/run.ts')).run
  )
  add(
    withProcessOptions(program.command('exec').summary('run a command in a kept sandbox'))
      .argument('<sandbox>', 'its id')
      .argument('<command...>', 'the command and its arguments')
      .passThroughOptions()
      .addOption(json()),
    async () => (await import('./commands/exec.ts')).exec
  )
  add(
    program
      .command('ls')
      .summary('list the sandboxes')
      .option('-a, --all', 'also those that have ended')
      .addOption(json()),
    async () => (await import('./commands/ls.ts')).ls
  )
  add(
    program.command('rm').summary('end and remove sandboxes').argument('<sandbox...>', 'their ids').addOption(json()),
    async () => (await import('./commands/rm.ts')).rm
  )
  add(
    program
      .command('evidence')
      .summary('prove that sandboxes have kernels of their own')
      .argument('[sandbox]', 'its id; all running ones without it')
      .addOption(json()),
    async () => (await import('./commands/evidence.ts')).evidence
  )
  addImageCommands(program, add, json)
  add(
    program
      .command('doctor')
      .summary('show what this machine has, what it lacks, and how to mend it')
      .option('--fresh', 'boot every runtime anew instead of believing the last probe')
      .addOption(json()),
    async () => (await import('./commands/doctor.ts')).doctor
  )
  add(
    program.command('setup').summary('install and build everything ahead of the first run').addOption(yes()),
    async () => (await import('./commands/setup.ts')).setup
  )
  add(
    program
      .command('test')
      .summary('set up, then run all tests of this checkout')
      .argument('[args...]', 'given to the test runner')
      .passThroughOptions()
      .addOption(yes()),
    async () => (await import('./commands/test.ts')).test
  )
  add(
    program
      .command('quarantine')
      .summary('take a Sandbox of a Kubernetes cluster out of service, as one that may be compromised')
      .argument('<sandbox>', 'its name')
      .option('--namespace <name>', 'where it is; default: that of the kubeconfig')
      .option('--reason <text>', 'why, for people')
      .option('--retention <duration>', 'how long its Pod is kept, at most 24h; 0s kills it at once; default 1h')
      .option('--kubeconfig <file>', 'default: as kubectl, KUBECONFIG or ~/.kube/config')
      .option('--context <name>', 'of the kubeconfig; default: its current one')
      .addOption(json()),
    async () => (await import('./commands/quarantine.ts')).quarantine
  )
  add(
    withClusterOptions(
      program
        .command('serve')
        .summary('serve in the foreground: sandboxes of this machine, or of a Kubernetes cluster')
        .addOption(
          new Option('--backend <name>', 'where sandboxes are: engine (this machine) or kubernetes')
            .choices(['engine', 'kubernetes'])
            .default('engine')
        )
    ),
    async () => (await import('./commands/serve.ts')).serveInForeground
  )
  addClusterCommands(program, add, json, yes)
  addKubernetesCommands(program, add, json)
  add(
    program
      .command('audit')
      .summary('show which pods of a Kubernetes cluster share a kernel, what falls together, and what to change first')
      .description(
        'Reads a cluster with `list` alone and changes nothing; nothing has to be installed in it. What may not be seen is told. See docs/audit.md.'
      )
      .option('--kubeconfig <file>', 'default: as kubectl, KUBECONFIG or ~/.kube/config')
      .option('--context <name>', 'of the kubeconfig; default: its current one')
      .addOption(collect('--handler <name=class>', 'what a handler of RuntimeClasses isolates with; repeatable'))
      .addOption(collect('--trust <namespace>', 'part of the cluster’s own machinery; repeatable'))
      .option('--changes <count>', 'longest list of changes; default 5')
      .option(
        '--max-blast-radius <pods>',
        'exit code 3 when more pods than this fall with one kernel, 4 when it could be more than may be seen'
      )
      .option('--probe', 'also ask in each pod (exec) which kernel it is on; exit code 3 when a RuntimeClass lies')
      .option('--print-role', 'print the ClusterRole that it needs, with --probe the one for that, and do nothing else')
      .option('--html <file>', 'write it as one page, too')
      .option('--sarif <file>', 'write it for code-scanning services, too')
      .addOption(json()),
    async () => (await import('./commands/audit.ts')).audit
  )
  const server = program
    .command('server', { hidden: true })
    .summary('the server behind the commands; they start it')
    .exitOverride()
  add(
    server.command('start', { isDefault: true }).summary('serve in the foreground'),
    async () => (await import('./commands/server.ts')).serverStart
  )
  add(
    server.command('status').summary('show whether one runs').addOption(json()),
    async () => (await import('./commands/server.ts')).serverStatus
  )
  add(
    server.command('stop').summary('end it; sandboxes go on, and the next one takes them over'),
    async () => (await import('./commands/server.ts')).serverStop
  )
  return program
}

function addImageCommands(
  program: Command,
  add: (command: Command, handler: () => Promise<Handler>) => Command,
  json: () => Option
): void {
  const image = program.command('image').summary('root file systems that sandboxes start from').exitOverride()
  const commands = () => import('./commands/image.ts')
  add(image.command('ls').summary('list them').addOption(json()), async () => (await commands()).imageLs)
  add(
    image
      .command('pull')
      .summary('fetch an image from a registry, an OCI layout (oci:PATH[:TAG]) or an archive (docker-archive:PATH)')
      .argument('<reference>')
      .addOption(json()),
    async () => (await commands()).imagePull
  )
  add(
    image.command('build').summary('build the default Debian image anew').addOption(json()),
    async () => (await commands()).imageBuild
  )
  add(
    image.command('rm').summary('remove images').argument('<image...>', 'names or digests').addOption(json()),
    async () => (await commands()).imageRm
  )
  add(
    image.command('prune').summary('remove what no name and no sandbox uses').addOption(json()),
    async () => (await commands()).imagePrune
  )
}

function addClusterCommands(
  program: Command,
  add: (command: Command, handler: () => Promise<Handler>) => Command,
  json: () => Option,
  yes: () => Option
): void {
  const cluster = program
    .command('cluster')
    .summary('a Kubernetes on this machine, for trying and testing')
    .exitOverride()
  const commands = () => import('./commands/cluster.ts')
  add(
    cluster
      .command('up')
      .summary('start it, or what of it does not run; the first time builds it')
      .option('--nodes <count>', 'nodes, 1 to 20; default 3')
      .option('--fake-nodes <count>', 'nodes on which pods only seem to run, up to 1000; default 0')
      .option('--subnet <network>', 'a /24 that this machine does not use; default 10.88.0.0/24')
      .option('--registry', 'with a registry for images of your own')
      .addOption(yes()),
    async () => (await commands()).clusterUp
  )
  add(
    cluster.command('status').summary('show what of it runs').addOption(json()),
    async () => (await commands()).clusterStatus
  )
  add(cluster.command('down').summary('remove it with everything in it'), async () => (await commands()).clusterDown)
  add(
    cluster
      .command('kubectl')
      .summary('run kubectl on it')
      .argument('[args...]', 'given to kubectl')
      .passThroughOptions()
      .allowUnknownOption()
      .helpOption(false),
    async () => (await commands()).clusterKubectl
  )
  add(
    cluster.command('load').summary('give all nodes the images of an OCI archive').argument('<archive>'),
    async () => (await commands()).clusterLoad
  )
  add(
    cluster.command('kubeconfig').summary('print the path of its kubeconfig'),
    async () => (await commands()).clusterKubeconfig
  )
}

function addKubernetesCommands(
  program: Command,
  add: (command: Command, handler: () => Promise<Handler>) => Command,
  json: () => Option
): void {
  const kubernetes = program
    .command('kubernetes')
    .summary('sandboxes on a Kubernetes cluster: what is installed into one, and what one lacks')
    .exitOverride()
  const commands = () => import('./commands/kubernetes.ts')
  const namespace = () => new Option('--namespace <name>', 'where the operator runs; default agent-sandbox-system')
  add(
    kubernetes
      .command('manifests')
      .summary('print what is installed, for `kubectl apply -f -`')
      .option('--image <name>', 'the image of operator, router and witness, as nodes can pull it')
      .addOption(namespace())
      .option('--default-runtime-class <name>', 'RuntimeClass for Pods of sandboxes that name none')
      .addOption(
        new Option(
          '--router [access]',
          'with a router for SDKs; used by: tunnel (who may forward ports to it; the default), token (who has the token), open (everybody)'
        ).choices(['tunnel', 'token', 'open'])
      )
      .option('--no-witness', 'without the witness on each node, which says what really runs its Pods')
      .addOption(
        new Option(
          '--only <part>',
          'kinds: what has to stay for sandboxes to stay; operator: what can be removed at any time; server: what `serve --backend kubernetes` may do'
        ).choices(['kinds', 'operator', 'server'])
      ),
    async () => (await commands()).kubernetesManifests
  )
  add(
    kubernetes
      .command('doctor')
      .summary('show what a cluster has, what it lacks, and how to mend it')
      .option('--kubeconfig <file>', 'default: as kubectl, KUBECONFIG or ~/.kube/config')
      .option('--context <name>', 'of the kubeconfig; default: its current one')
      .addOption(namespace())
      .addOption(json()),
    async () => (await import('./commands/kubernetes-doctor.ts')).kubernetesDoctor
  )
  add(
    kubernetes
      .command('simulate')
      .summary('show which tenants lose what when nodes fall, by how sandboxes are placed; asks no cluster')
      .option('--nodes <count>', 'default 10000')
      .option('--zones <count>', 'default 3')
      .option('--sandboxes <count>', 'default 1000000')
      .option('--tenants <count>', 'default 5000')
      .option('--capacity <count>', 'sandboxes that fit on a node; default: half as many again as there are')
      .option('--shard-size <count>', 'nodes of a tenant; default 4')
      .option('--tenants-per-node <count>', 'at most, where there is a limit; default: as many as fit')
      .option('--seed <number>', 'of what is drawn by lot; default 1')
      .addOption(json()),
    async () => (await import('./commands/kubernetes-simulate.ts')).kubernetesSimulate
  )
  add(
    kubernetes
      .command('image')
      .summary('make the image of operator, router and witness, or of the guest agent, as an OCI archive')
      .option('--agent', 'that of the guest agent, for `serve --backend kubernetes`')
      .requiredOption('--output <file>', 'where to')
      .option('--name <name>', 'what it is called where it is imported; default: as `manifests` says'),
    async () => (await commands()).kubernetesImage
  )
}

const withClusterOptions = (command: Command): Command =>
  command
    .option('--kubeconfig <file>', 'default: in a Pod its service account, else as kubectl')
    .option('--context <name>', 'of the kubeconfig; default: its current one')
    .option('--namespace <name>', 'where sandboxes are, and nothing else; default bulkhead-sandboxes')
    .option('--key-namespace <name>', 'where the Secret with the server’s key is; default agent-sandbox-system')
    .addOption(
      collect(
        '--from <network|namespace>',
        'where this server comes from, as Pods see it; nobody else gets in; repeatable'
      )
    )
    .option('--pool <count>', 'sandboxes made in advance of each kind that was asked for; default 0')
    .option('--agent-image <name>', 'the image that `kubernetes image --agent` makes, as nodes can pull it')
    .option('--default-image <name>', 'the image `default`; default docker.io/library/debian:bookworm')
    .option('--registry <name>', 'where images without the name of a registry come from; default: as nodes have it')

const withSandboxOptions = (command: Command): Command =>
  command
    .option('--image <name>', 'an image by name, digest or reference')
    .addOption(new Option('--runtime <name>', 'what makes the kernel').choices(['qemu', 'gvisor']))
    .addOption(
      new Option('--isolation <class>', 'the weakest isolation that will do; default userspace').choices([
        'hardware',
        'userspace',
        'emulated',
      ])
    )
    .option('--memory <size>', 'memory of the sandbox, like 512M or 2G')
    .option('--disk <size>', 'size of what it can write, like 4G')
    .option('--cpus <count>', 'processors')

const withProcessOptions = (command: Command): Command =>
  command
    .option('-t, --tty', 'give the command a terminal')
    .addOption(
      collect('-e, --env <name[=value]>', 'set a variable, or pass on the one of this environment; repeatable')
    )
    .option('-w, --workdir <path>', 'working directory in the sandbox')
    .option('-u, --user <name>', 'user in the sandbox, by name or uid')
    .option('--timeout <duration>', 'end the command after this long, like 30s or 5m (exit code 124)')

const collect = (flags: string, description: string): Option =>
  new Option(flags, description).argParser((value: string, before: string[] | undefined) => [...(before ?? []), value])
