import { type BulkheadError, failure } from '@bulkhead/wire'
import { saysDiskFull, type ToolEnd } from '../tool/run-tool.ts'
import { lastWords } from '../tool/tail.ts'
import type { ImageSource } from './image-source.ts'

interface Place {
  readonly directory: string
  readonly maxBytes: number
}

/**
 * What skopeo's refusal means. Its exit code is always 1; the words are those of containers/image and of the registry, matched only as
 * far as someone has to do something different about it. `place`: where it wrote to, if it did.
 */
export function skopeoFailure(source: ImageSource, end: ToolEnd, place?: Place): BulkheadError {
  const { reference } = source
  // The reference is the caller's own words: nothing is to be read out of it.
  const words = fatalMessage(end.said).replaceAll(source.location, '').replaceAll(reference, '')
  const detail = lastWords(words.replace(/^Error parsing image name "": /, '')) || `skopeo ended with ${end.exitCode}`
  const cause = end.said
  const says = (pattern: RegExp) => pattern.test(words)

  if (place && saysDiskFull(end.said)) return failure('disk_full', { directory: place.directory }, { cause })
  if (place && says(/file size limit exceeded|file too large/i)) {
    return failure('image_too_large', { reference, limitBytes: place.maxBytes, detail: 'a layer alone is' }, { cause })
  }
  if (
    says(/invalid reference format|repository name must|with both a tag and digest|invalid image name|Invalid image/)
  ) {
    return failure('image_reference_invalid', { reference, problem: detail }, { cause })
  }
  if (
    says(
      /digest did not match|does not match (provided manifest )?digest|verification failed|digest mismatch|doesn't match manifest digest/i
    )
  ) {
    return failure('image_digest_mismatch', { reference, detail }, { cause })
  }
  return source.kind === 'registry'
    ? registryFailure(reference, words, detail, cause)
    : fileFailure(reference, words, detail, cause)
}

function registryFailure(reference: string, words: string, detail: string, cause: string): BulkheadError {
  if (/unauthorized|authentication required|access to the resource is denied|denied:|\b40[13]\b/i.test(words)) {
    return failure('registry_unauthorized', { reference, detail }, { cause })
  }
  if (/manifest unknown|name unknown|repository not found|\b404\b/i.test(words)) {
    return failure('image_not_found', { name: reference }, { cause })
  }
  return failure('registry_unavailable', { reference, detail }, { cause })
}

function fileFailure(reference: string, words: string, detail: string, cause: string): BulkheadError {
  if (/no descriptor found for reference|Tag .* not found/.test(words)) {
    return failure('image_not_found', { name: reference }, { cause })
  }
  // The file or the folder itself; a blob that is missing in it means damage.
  if (/no such file or directory$/.test(words) && !words.includes('/blobs/')) {
    return failure('image_not_found', { name: reference }, { cause })
  }
  return failure('image_invalid', { reference, problem: detail }, { cause })
}

/** The `msg` of skopeo's last `level=fatal` line (logfmt), else all that was said. */
function fatalMessage(said: string): string {
  const last = [...said.matchAll(/level=fatal msg=("(?:[^"\\]|\\.)*")/g)].at(-1)?.[1]
  if (!last) return said
  try {
    return JSON.parse(last) as string
  } catch {
    return last // Go quotes some bytes in a way JSON does not know.
  }
}
