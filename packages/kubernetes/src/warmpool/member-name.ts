/** Of the API server's generated names (apimachinery `util/rand`): no vowels and none that looks like another, so that no words come up. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789'
const suffixLength = 5
/** So that the whole is a DNS label (apiserver `storage/names`, `maxNameLength`). */
const longestName = 63

/** A name as the API server makes of the generateName `<pool>-`: chosen here, so that it is known before the create is sent. */
export function memberName(poolName: string, random: () => number = Math.random): string {
  const base = `${poolName}-`.slice(0, longestName - suffixLength)
  const suffix = Array.from({ length: suffixLength }, () => alphabet[Math.floor(random() * alphabet.length)])
  return base + suffix.join('')
}
