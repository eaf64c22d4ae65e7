import type {PlatformChoice} from '../../image/platforms.js'
import type {PackRules} from '../source/source-tree.js'
import type {DiffTreesOptions} from './diff-trees.js'
import type {ImagePart, Side} from './side.js'

export interface DiffRequest {
  readonly first: Side
  readonly second: Side
  /** The part to compare if a side does not name one; `undefined`: see `defaultPart`. */
  readonly part: ImagePart | undefined
  /** Which images of an index. Default: all of them. */
  readonly platforms?: PlatformChoice | undefined
  /** Of directories. */
  readonly rules: Pick<PackRules, 'exclude' | 'owner' | 'chmod'>
  readonly trees: DiffTreesOptions
}

/** The default: a slot for a directory, whole images otherwise. */
export function partOf(side: Side, {first, second, part}: DiffRequest): ImagePart {
  const own = side.kind === 'image' ? side.part : undefined
  const hasDirectory = first.kind === 'directory' || second.kind === 'directory'
  return own ?? part ?? (hasDirectory ? {kind: 'slot', name: undefined} : {kind: 'all'})
}
