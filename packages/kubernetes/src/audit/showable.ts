/** Foreign text without what is not seen or turns the text around it: control characters, format characters, line separators. */
export const showable = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '\u00b7')
