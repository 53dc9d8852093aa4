import { resolve } from 'node:path'
import {
  defaultNamespace,
  kindManifests,
  type Manifest,
  type ManifestOptions,
  manifests,
  processManifests,
  type RouterAccess,
  serverAccess,
  toYaml,
} from '@bulkhead/kubernetes/manifests'
import { failure } from '@bulkhead/wire/errors'
import type { CommandContext } from '../command-context.ts'
import { ExitCode } from '../exit-code.ts'
import { runInForeground } from '../foreground.ts'
import { abortOnInterruption } from '../interruption.ts'
import { packageVersion } from '../package-version.ts'
import { defaultAgentImage, defaultSandboxes } from '../server/serve-kubernetes.ts'

export interface ManifestsOptions {
  readonly image?: string
  readonly namespace?: string
  readonly defaultRuntimeClass?: string
  /** Without a value: true. */
  readonly router?: RouterAccess | true
  readonly only?: Part
  /** Default true. */
  readonly witness?: boolean
}

type Part = 'kinds' | 'operator' | 'server'

const parts: Readonly<Record<Part, (options: ManifestOptions) => Manifest[]>> = {
  kinds: kindManifests,
  operator: processManifests,
  server: ({ namespace }) => serverAccess(namespace, defaultSandboxes),
}

/** Of a domain that is nobody’s: a node that was not given the image finds it nowhere, instead of somewhere else. */
const defaultImage = (): string => `bulkhead.test/operator:${packageVersion()}`

/** What names may look like: RFC 1123 labels and subdomains, as the API server has them, and one word for an image. */
const shapes = {
  namespace: {
    pattern: /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
    what: 'the name of a namespace (a-z, 0-9, -, at most 63)',
  },
  'default-runtime-class': {
    pattern: /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    what: 'the name of a RuntimeClass (a-z, 0-9, -, .)',
  },
  image: { pattern: /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,511}$/, what: 'the name of an image (REGISTRY/NAME:TAG)' },
} as const

/** Fails `invalid_request`: the API server would say so, too, but after half of the objects have been applied. */
function needName(option: keyof typeof shapes, value: string | undefined): void {
  const { pattern, what } = shapes[option]
  if (value === undefined || pattern.test(value)) return
  throw failure('invalid_request', { field: `--${option}`, problem: `${JSON.stringify(value)} is not ${what}` })
}

/** `bulkhead kubernetes manifests`. */
export async function kubernetesManifests(_args: string[], options: ManifestsOptions): Promise<number> {
  const { image, namespace, defaultRuntimeClass, router, only, witness = true } = options
  needName('image', image)
  needName('namespace', namespace)
  needName('default-runtime-class', defaultRuntimeClass)
  const make = only ? parts[only] : manifests
  const wanted = {
    image: image ?? defaultImage(),
    namespace: namespace ?? defaultNamespace,
    witness,
    ...(defaultRuntimeClass !== undefined && { defaultRuntimeClass }),
    ...(router && { router: router === true ? 'tunnel' : router }),
  } as const
  await print(toYaml(make(wanted)))
  return ExitCode.success
}

/** More than a pipe holds. A reader that has seen enough, like `head`, is no failure. */
function print(text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const end = (error?: Error | null) => {
    if (error && (error as NodeJS.ErrnoException).code !== 'EPIPE') reject(error)
    else resolve()
  }
  process.stdout.once('error', end)
  process.stdout.write(text, end)
  return promise
}

/** `bulkhead kubernetes image`: a process of its own, as the tools that make it are no part of the command line’s bundle. */
export async function kubernetesImage(
  _args: string[],
  options: { output: string; name?: string; agent?: boolean },
  { paths }: CommandContext
): Promise<number> {
  needName('image', options.name)
  const { output, agent = false, name = agent ? defaultAgentImage() : defaultImage() } = options
  using interruption = abortOnInterruption()
  const { signal } = interruption
  const tool = resolve(paths.source, 'tools/operator/main.ts')
  return runInForeground([process.execPath, tool, resolve(output), name, ...(agent ? ['agent'] : [])], { signal })
}
