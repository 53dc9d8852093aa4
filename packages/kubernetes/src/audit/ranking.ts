/** Whole percents, rounded down: 100 is all of them. Of nothing: 100. */
export const percent = (part: number, whole: number): number => (whole === 0 ? 100 : Math.floor((100 * part) / whole))

/** By code units: the same everywhere, whatever the locale. */
export const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0
