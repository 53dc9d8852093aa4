import { createHash, timingSafeEqual } from 'node:crypto'

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Whether an `Authorization` header bears the token. Takes as long for a near miss as for any other: digests are compared, all of them. */
export function bearsToken(header: string | undefined, token: string): boolean {
  const [, given = ''] = /^bearer +(.+)$/i.exec(header ?? '') ?? []
  return timingSafeEqual(digest(given), digest(token))
}
