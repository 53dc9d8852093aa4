import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** PEM, both. */
export interface ServingCertificate {
  readonly certificate: string
  readonly key: string
}

/** Of a server on 127.0.0.1 that vouches for itself. */
export async function makeServingCertificate(): Promise<ServingCertificate> {
  const folder = await mkdtemp(join(tmpdir(), 'bulkhead-certificate-'))
  try {
    await promisify(execFile)(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-days', '2'],
        ...['-subj', '/CN=fault-proxy', '-addext', 'subjectAltName=IP:127.0.0.1'],
        ...['-keyout', 'key', '-out', 'certificate'],
      ],
      { cwd: folder }
    )
    const [certificate, key] = await Promise.all(
      ['certificate', 'key'].map((file) => readFile(join(folder, file), 'utf8'))
    )
    return { certificate: certificate as string, key: key as string }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
