/** `1 entry`, `2 entries`. */
export function countEntries(entries: number): string {
  return entries === 1 ? '1 entry' : `${entries} entries`
}
