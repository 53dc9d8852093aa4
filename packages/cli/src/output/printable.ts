/** What a terminal would act on, or what lets text run backwards: C0, DEL, C1, and the bidirectional controls. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const unprintable = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]/g

/** Foreign text (names, metadata, what a guest says) made safe to show in one line. */
export const printable = (text: string): string => text.replace(unprintable, '\u00b7')
