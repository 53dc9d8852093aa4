import { isAbsolute, resolve } from 'node:path'
import { failure } from '@bulkhead/wire'

/** Where an image is to be had. Whether the reference is well-formed is skopeo's to say: it is the one that reads it. */
export interface ImageSource {
  readonly kind: 'registry' | 'oci' | 'docker-archive'
  /** As the user wrote it, without a leading `docker://`: the name the image gets. */
  readonly reference: string
  /** What skopeo is given. Starts with its transport: never taken for an option. */
  readonly location: string
  /** A registry on this very machine: plain HTTP and self-signed certificates will do. */
  readonly loopback: boolean
}

const maxReferenceBytes = 4096
const local = /^(oci|docker-archive):(.*)$/s
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const unprintable = /[\u0000-\u001f\u007f]/
const loopbackHost = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d+)?\//

/** Fails `image_reference_invalid`. */
export function parseImageSource(given: string): ImageSource {
  const refuse = (problem: string) => failure('image_reference_invalid', { reference: given.slice(0, 255), problem })
  if (Buffer.byteLength(given) > maxReferenceBytes) throw refuse(`it is longer than ${maxReferenceBytes} bytes`)
  if (unprintable.test(given)) throw refuse('it holds control characters')
  const [, transport, path] = local.exec(given) ?? []
  if (transport === 'oci' || transport === 'docker-archive') {
    if (!path || !isAbsolute(path)) throw refuse('the path must be absolute')
    return { kind: transport, reference: given, location: given, loopback: false }
  }
  const reference = given.replace(/^docker:\/\//, '')
  if (reference === '') throw refuse('it is empty')
  return {
    kind: 'registry',
    reference,
    location: `docker://${reference}`,
    loopback: loopbackHost.test(reference),
  }
}

/** Makes the path in an `oci:` or `docker-archive:` reference absolute: the server that reads it stands in another folder. */
export function absoluteReference(reference: string, cwd: string): string {
  const [, transport, path] = local.exec(reference) ?? []
  return transport && path ? `${transport}:${resolve(cwd, path)}` : reference
}

/** The same source, held to one manifest: a tag may move between two requests, a digest does not. */
export function pinned(source: ImageSource, digest: string): ImageSource {
  if (source.kind !== 'registry') return source
  // What follows the last colon is the tag, unless a slash follows: then the colon was the port's.
  const repository = source.reference.replace(/@.*$/, '').replace(/:[^:/]*$/, '')
  return { ...source, location: `docker://${repository}@${digest}` }
}
