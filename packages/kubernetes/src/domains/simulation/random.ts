/** 0 to 1, the same sequence for the same seed: a simulation can be repeated. Mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Shuffles in place: Fisher and Yates. */
export function shuffle(values: Int32Array, random: () => number): Int32Array {
  for (let left = values.length - 1; left > 0; left--) {
    const at = Math.floor(random() * (left + 1))
    const taken = values[at] as number
    values[at] = values[left] as number
    values[left] = taken
  }
  return values
}
