import type {PairDrawing} from '../../../operations/compare/draw-diff.js'
import type {Mark} from '../../../picture/size-tree.js'

/** A file with its sizes; `undefined` if it does not exist. */
export interface ChangedFile {
  readonly path: string
  readonly mark: Mark | undefined
  readonly before: number | undefined
  readonly after: number | undefined
}

const most = 60

/** The files that differ with the most bytes, the largest first. */
export function largestChanges({before, after}: PairDrawing): readonly ChangedFile[] {
  const found = new Map<string, ChangedFile>()
  for (const {path, bytes, mark} of before.largest(most))
    found.set(path, {path, mark, before: bytes, after: undefined})
  for (const {path, bytes, mark} of after.largest(most))
    found.set(path, {path, mark, before: found.get(path)?.before, after: bytes})
  const sizeOf = ({before: old = 0, after: now = 0}: ChangedFile): number => Math.max(old, now)
  return [...found.values()].sort((one, other) => sizeOf(other) - sizeOf(one)).slice(0, most)
}
