/**
 * How the content of a slot is divided into layers: as many as its size suggests (`auto`), or at
 * most so many.
 */
export type Sharding = 'auto' | number

/** Layers of one image: overlay file systems take no more, and neither do Docker and containerd. */
export const mostLayers = 127

/** `auto`, or a number from 1 to 127 in its one spelling; `undefined` for any other text. */
export function parseSharding(text: string | undefined): Sharding | undefined {
  if (text === 'auto') return text
  const count = text !== undefined && /^[1-9]\d{0,2}$/.test(text) ? Number(text) : NaN
  return count <= mostLayers ? count : undefined
}

/**
 * Whose the directories of a slot are that the image has from its other layers: the content's, the
 * image's, or the image's and without an entry of their own.
 */
export type SlotParents = 'dir' | 'base' | 'omit'

/** Parses the label; `undefined` for any other text. */
export function parseParents(text: string | undefined): SlotParents | undefined {
  return text === 'base' || text === 'omit' ? text : undefined
}
