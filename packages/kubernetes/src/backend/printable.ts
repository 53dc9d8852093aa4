const maxLength = 500

/** What a node or a registry says, in one line: control characters could rewrite the terminal of whoever reads it. */
export const printable = (text: string): string =>
  text
    .slice(0, maxLength)
    .replaceAll(/\p{C}+/gu, ' ')
    .trim()
