import { generateKeyPairSync } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runTool } from './run-tool.ts'

/** Ten years: a cluster for trying must not end by the calendar. */
const validDays = 3650

export interface Certificate {
  /** PEM. */
  readonly certificate: string
  readonly key: string
}

export interface CertificateRequest {
  /** The subject: a user, and the groups it is in. */
  readonly user: string
  readonly groups?: readonly string[]
  /** Where it is served, if it is: `IP:10.88.0.1`, `DNS:localhost`. */
  readonly names?: readonly string[]
}

const groupsOf = ({ groups = [] }: CertificateRequest) => groups.map((group) => `/O=${group}`).join('')

/** A certificate authority in a folder, and what it has signed. What is there is kept: an interrupted start goes on with the same keys. */
export class Certificates {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async open(folder: string, signal: AbortSignal): Promise<Certificates> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(join(folder, 'openssl.cnf'), config)
    const certificates = new Certificates(folder)
    await certificates.#make('ca', ['-subj', '/CN=bulkhead-cluster', '-extensions', 'authority'], signal)
    return certificates
  }

  /** Its certificate, PEM: what clients trust. */
  get authority(): Promise<Certificate> {
    return this.#read('ca')
  }

  /** `name`: of its files. */
  async issue(name: string, request: CertificateRequest, signal: AbortSignal): Promise<Certificate> {
    const names = request.names ?? []
    await this.#make(
      name,
      [
        ...['-CA', this.#path('ca.crt'), '-CAkey', this.#path('ca.key')],
        ...['-subj', `${groupsOf(request)}/CN=${request.user}`, '-extensions', 'leaf'],
        ...(names.length > 0 ? ['-addext', `subjectAltName=${names.join(',')}`] : []),
      ],
      signal
    )
    return this.#read(name)
  }

  /** A pair that signs the tokens of service accounts; no certificate. `certificate` is the public key. */
  async signingPair(name: string): Promise<Certificate> {
    if (!existsSync(this.#path(`${name}.crt`))) {
      const pair = generateKeyPairSync('ec', {
        namedCurve: 'prime256v1',
        publicKeyEncoding: { type: 'spki', format: 'pem' },
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      })
      await writeFile(this.#path(`${name}.key`), pair.privateKey, { mode: 0o600 })
      await writeFile(this.#path(`${name}.crt.partial`), pair.publicKey)
      await rename(this.#path(`${name}.crt.partial`), this.#path(`${name}.crt`))
    }
    return this.#read(name)
  }

  /** The certificate appears last: when it is there, so is its key. */
  async #make(name: string, args: readonly string[], signal: AbortSignal): Promise<void> {
    if (existsSync(this.#path(`${name}.crt`))) return
    const draft = this.#path(`${name}.crt.partial`)
    await runTool(
      [
        ...(['openssl', 'req', '-x509', '-new', '-config', this.#path('openssl.cnf')] as const),
        ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'],
        ...['-days', String(validDays), '-keyout', this.#path(`${name}.key`), '-out', draft],
        ...args,
      ],
      signal
    )
    await rename(draft, this.#path(`${name}.crt`))
  }

  async #read(name: string): Promise<Certificate> {
    const [certificate, key] = await Promise.all(
      ['crt', 'key'].map((kind) => readFile(this.#path(`${name}.${kind}`), 'utf8'))
    )
    return { certificate: certificate as string, key: key as string }
  }

  #path(file: string): string {
    return join(this.#folder, file)
  }
}

/** The host's own would add extensions of its choice. */
const config = `[req]
prompt = no
distinguished_name = subject
[subject]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign,digitalSignature
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth,clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
`
