/** The order of `listTags`: by the bytes of the tags in UTF-8. */
export function compareTags(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
