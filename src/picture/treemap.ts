import prettyBytes from 'pretty-bytes'
// by another name prettier leaves it on one line: a drawing has thousands of these
import {html as shape, type Html} from './html.js'
import type {Mark, SizeNode} from './size-tree.js'
import {type Box, squarify} from './squarify.js'

/**
 * The files of a tree as nested boxes in proportion to their bytes, as the content of an `svg`
 * element of at most `mostCharacters`. What would be smaller than can be seen is one box together
 * with its neighbours. Empty if there are no bytes.
 */
export function treemap(root: SizeNode, box: Box, mostCharacters: number): Html {
  if (root.bytes === 0) return shape``
  const tone = isMarked(root) ? 'mixed' : undefined
  for (let leastArea = finest; ; leastArea *= 2) {
    const drawn = shape`${content({node: root, path: '', tone}, box, leastArea)}`
    if (leastArea > box.width * box.height || drawn.toString().length <= mostCharacters)
      return drawn
  }
}

/** A node that is drawn. */
interface Drawn {
  readonly node: SizeNode
  readonly path: string
  /**
   * The class of its colour: `mixed` where marks have colours; else one for each directory of the
   * first level that has several; `undefined` above that.
   */
  readonly tone: string | undefined
}

/** The smallest box, in square units. */
const finest = 500
const [headHeight, gap] = [16, 2]
const tones = 6
const mostOfAll = 0.8

function content({node, path, tone}: Drawn, box: Box, leastArea: number): Html[] {
  const scale = (box.width * box.height) / node.bytes
  const sorted = [...node.children.values()]
    .filter(({bytes}) => bytes > 0)
    .sort((one, other) => other.bytes - one.bytes || (one.name < other.name ? -1 : 1))
  const shown = sorted.filter(({bytes}) => bytes * scale >= leastArea)
  const rests = restsOf(node, sorted.slice(shown.length), shown)
  // what is left may be larger than some that are shown, but comes last
  const weights = [...shown, ...rests].map(({bytes}) => bytes)
  return squarify(weights, box).flatMap((place, at) => {
    const child = shown[at]
    if (!child) return rest(rests[at - shown.length] ?? node, path, place)
    const {chain, last} = chainOf(child)
    const below = path === '' ? chain : `${path}/${chain}`
    // a directory that holds nearly everything leaves the colours to what is in it
    const own = last.bytes < mostOfAll * node.bytes ? `tone${at % tones}` : undefined
    const drawn = {node: last, path: below, tone: tone ?? own}
    return isFolder(last) ? folder(drawn, {chain, leastArea}, place) : leaf(drawn, place)
  })
}

/** What is not drawn by itself, together with what has the same mark. */
function restsOf(
  node: SizeNode,
  hidden: readonly SizeNode[],
  shown: readonly SizeNode[],
): SizeNode[] {
  const groups = new Map<Mark | undefined, {bytes: number; files: number}>()
  const add = (mark: Mark | undefined, {bytes, files}: {bytes: number; files: number}): void => {
    const group = groups.get(mark) ?? {bytes: 0, files: 0}
    groups.set(mark, {bytes: group.bytes + bytes, files: group.files + files})
  }
  for (const child of hidden) add(child.mark ?? commonMark(child.children.values()), child)
  const sum = (of: 'bytes' | 'files') =>
    [...hidden, ...shown].reduce((left, child) => left - child[of], node[of])
  // files of which no more is known than their directory
  if (sum('bytes') > 0) add(undefined, {bytes: sum('bytes'), files: sum('files')})
  return [...groups]
    .map(([mark, {bytes, files}]) => ({name: '', bytes, files, mark, children: new Map()}))
    .sort((one, other) => other.bytes - one.bytes)
}

/** The mark of all files below, if it is one. */
function commonMark(nodes: Iterable<SizeNode>): Mark | undefined {
  let common: Mark | undefined
  for (const {mark, children, bytes} of nodes) {
    if (bytes === 0) continue
    const own = mark ?? commonMark(children.values())
    if (own === undefined || (common ?? own) !== own) return undefined
    common = own
  }
  return common
}

function isMarked({mark, children}: SizeNode): boolean {
  const [first] = children.size > 0 ? children.values() : []
  return mark !== undefined || (first !== undefined && isMarked(first))
}

/** Directories that hold one directory only are one box. */
function chainOf(node: SizeNode): {chain: string; last: SizeNode} {
  let [chain, last] = [node.name, node]
  for (;;) {
    const [only] = last.children.size === 1 ? last.children.values() : []
    if (!only || only.bytes !== last.bytes || !isFolder(only)) break
    chain = `${chain}/${only.name}`
    last = only
  }
  return {chain, last}
}

function isFolder({children}: SizeNode): boolean {
  return children.size > 0
}

function folder(
  drawn: Drawn,
  {chain, leastArea}: {readonly chain: string; readonly leastArea: number},
  box: Box,
): Html[] {
  if (box.width * box.height < 4 * leastArea) return leaf(drawn, box)
  const head = box.height > 3 * headHeight && box.width > 36 ? headHeight : 0
  const inner = {
    x: box.x + gap,
    y: box.y + gap + head,
    width: box.width - 2 * gap,
    height: box.height - 2 * gap - head,
  }
  if (inner.width < 4 || inner.height < 4) return leaf(drawn, box)
  return [
    rect(box, 'folder', titleOf(drawn)),
    ...(head > 0 ? [label(`${chain}/`, {...box, height: head + gap}, 'head')] : []),
    ...content(drawn, inner, leastArea),
  ]
}

function leaf(drawn: Drawn, box: Box): Html[] {
  const {node, tone} = drawn
  const mark = node.mark ?? commonMark(node.children.values())
  const look = mark ?? tone ?? 'tone0'
  const sign = mark === undefined ? '' : `${signs[mark]} `
  const name = drawn.path.slice(drawn.path.lastIndexOf('/') + 1)
  return [rect(box, look, titleOf(drawn)), ...labelIn(box, `${sign}${name}`)]
}

function rest(others: SizeNode, path: string, box: Box): Html[] {
  const {files, bytes, mark} = others
  const count = `${files} more`
  const title = `${count} in ${path === '' ? '/' : path}: ${prettyBytes(bytes)}`
  return [rect(box, mark ?? 'mixed', title), ...labelIn(box, count)]
}

const signs = {added: '+', removed: '\u2212', changed: '~'} as const

function titleOf({node, path}: Drawn): string {
  const {bytes, files} = node
  const count = isFolder(node) ? `, ${files} files` : ''
  const shown = path.length > longestTitle ? `\u2026${path.slice(-longestTitle)}` : path
  return `${shown}: ${prettyBytes(bytes)}${count}`
}

const longestTitle = 80

function rect({x, y, width, height}: Box, look: string, title: string): Html {
  const place = shape`x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"`
  return shape`<rect class="${look}" ${place}><title>${title}</title></rect>
`
}

function labelIn(box: Box, text: string): Html[] {
  return box.width < 40 || box.height < 15 ? [] : [label(text, box, 'name')]
}

/** The svg element cuts off what does not fit, whatever the font. */
function label(text: string, {x, y, width, height}: Box, look: string): Html {
  const most = Math.ceil(width / 4)
  const shown = text.length > most ? text.slice(0, most) : text
  const place = shape`x="${short(x)}" y="${short(y)}" width="${short(width - 3)}" height="${short(height)}"`
  return shape`<svg ${place}><text class="${look}" x="4" y="12.5">${shown}</text></svg>
`
}

function short(value: number): number {
  return Math.round(value * 10) / 10
}
