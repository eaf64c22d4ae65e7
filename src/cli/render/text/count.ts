/** `1 entry`, `2 entries`, `2 layers`. */
export function count(number: number, thing: string): string {
  return `${number} ${number === 1 ? thing : `${thing}s`.replace(/ys$/, 'ies')}`
}
