/** RFC 1123: what names of namespaces, and of Sandboxes that can be reached, are made of. */
export const isDnsLabel = (text: string): boolean => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)
