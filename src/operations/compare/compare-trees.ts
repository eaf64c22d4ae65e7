import {compareLinks, type LinkComparison} from '../../layer/records/compare-links.js'
import {mergeTree, type MergedPath} from '../../layer/records/merge-tree.js'
import {type ContentRecord, orderOf} from '../../layer/records/record.js'
import type {FileAspect, FileChange, FileFacts} from './file-change.js'
import type {ReadTrees} from './read-trees.js'

export interface CompareOptions {
  /** Differences that do not count. */
  readonly ignored: ReadonlySet<FileAspect>
  /** Whether a path counts, a directory with a trailing `/`; default: all do. */
  readonly isWanted?: ((path: string) => boolean) | undefined
}

/** What both sides have and what differs, path by path, in the order of a tree. */
export function* compareTrees(
  trees: ReadTrees,
  {ignored, isWanted}: CompareOptions,
): Generator<FileChange, void, undefined> {
  const links = trees.hasLinks && !ignored.has('links') ? compareLinks(trees.counts) : undefined
  for (const merged of mergeTree(trees.records())) {
    const {path} = merged
    if (path === '') continue
    const change = changeOf(merged, trees, links)
    if (!change) continue
    const aspects = change.aspects.filter((aspect) => !ignored.has(aspect))
    if (change.change === 'changed' && aspects.length === 0) continue
    const type = (change.after ?? change.before)?.type
    if (isWanted && !isWanted(type === 'directory' ? `${path}/` : path)) continue
    yield {...change, aspects}
  }
}

function changeOf(
  merged: MergedPath,
  {shared, lowestShared}: Pick<ReadTrees, 'shared' | 'lowestShared'>,
  links: LinkComparison | undefined,
): FileChange | undefined {
  const {path, first, second} = merged
  const [before, after] = [first.visible, second.visible]
  const isEmptied = first.opaque > lowestShared !== second.opaque > lowestShared
  const aspects: FileAspect[] = before && after ? differences(before, after, links) : []
  if (isEmptied) aspects.push('opaque')
  const facts = {before: before && factsOf(before), after: after && factsOf(after), aspects}
  const bytes = after && isNewContent(before, after) ? after.size : 0
  if (before && after) {
    if (aspects.length === 0) return undefined
    return {change: 'changed', path, ...facts, bytes, unsure: false}
  }
  const one = before ?? after
  if (!one && isEmptied) return {change: 'changed', path, ...facts, bytes: 0, unsure: true}
  if (!one) return deletion(merged, lowestShared)
  // a directory without an entry of its own has no metadata to compare
  if (one.kind === 'implicit' && !isEmptied) return undefined
  const isHidden = (before ? second : first).whiteout > lowestShared
  const mayBeThere = shared === 'all' || (shared === 'directories' && one.kind === 'directory')
  return {
    change: one.kind === 'implicit' ? 'changed' : before ? 'removed' : 'added',
    path,
    ...facts,
    bytes: bytes || (before?.kind === 'file' && isFirstName(before) ? before.size : 0),
    unsure: mayBeThere && !isHidden,
  }
}

function isNewContent(before: ContentRecord | undefined, after: ContentRecord): boolean {
  if (after.kind !== 'file' || !isFirstName(after)) return false
  return before?.kind !== 'file' || isOtherContent(before, after)
}

/**
 * Neither has anything there, but one of them deletes what layers below have that were not read: a
 * deletion that the second image lacks brings the path back.
 */
function deletion({path, first, second}: MergedPath, lowestShared: number): FileChange | undefined {
  const [isBefore, isAfter] = [first.whiteout > lowestShared, second.whiteout > lowestShared]
  if (isBefore === isAfter) return undefined
  return {
    change: isBefore ? 'added' : 'removed',
    path,
    before: isAfter ? deleted : undefined,
    after: isBefore ? deleted : undefined,
    aspects: [],
    bytes: 0,
    unsure: true,
  }
}

const deleted: FileFacts = {
  type: 'whiteout',
  ...{size: 0, mode: 0, uid: 0, gid: 0, mtime: 0},
  target: undefined,
  sha256: undefined,
}

function differences(
  before: ContentRecord,
  after: ContentRecord,
  links: LinkComparison | undefined,
): FileAspect[] {
  const aspects: FileAspect[] = []
  const [one, other] = [typeOf(before), typeOf(after)]
  // unknown values do not count as a difference
  const isSilent = before.kind === 'implicit' || after.kind === 'implicit'
  if (isSilent) return one === other ? [] : ['type']
  if (one !== other) aspects.push('type')
  else if (one === 'file') {
    if (isOtherContent(before, after)) aspects.push('content')
    if (links?.isOdd(before.inode, after.inode)) aspects.push('links')
  } else if (before.target !== after.target) aspects.push(isLink(one) ? 'target' : 'device')
  // the mode of a symbolic link means nothing
  if (one !== 'symlink' && other !== 'symlink' && before.mode !== after.mode) aspects.push('mode')
  if (before.uid !== after.uid || before.gid !== after.gid) aspects.push('owner')
  if (before.mtime !== after.mtime) aspects.push('time')
  if (before.attributes !== after.attributes) aspects.push('attributes')
  return aspects
}

function isOtherContent(before: ContentRecord, after: ContentRecord): boolean {
  return before.size !== after.size || before.hash !== after.hash
}

function isLink(type: FileFacts['type']): boolean {
  return type === 'symlink' || type === 'hardlink'
}

function typeOf({kind}: ContentRecord): FileFacts['type'] {
  return kind === 'implicit' ? 'directory' : (kind as FileFacts['type'])
}

/** Whether it is the entry with the content, not another name of it. */
export function isFirstName({inode, layer, sequence}: ContentRecord): boolean {
  return inode === orderOf(layer, sequence)
}

/** The known metadata of an entry. */
export function factsOf(record: ContentRecord): FileFacts {
  const {size, mode, uid, gid, mtime, target, hash} = record
  return {
    type: typeOf(record),
    ...{size, mode, uid, gid, mtime},
    target: target === '' ? undefined : target,
    sha256: hash === '' ? undefined : Buffer.from(hash, 'latin1').toString('hex'),
  }
}
