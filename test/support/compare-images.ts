import {tmpdir} from 'node:os'
import {readLimits} from '../../src/layer/records/read-layer.js'
import {diff} from '../../src/operations/compare/diff.js'
import type {DiffRequest} from '../../src/operations/compare/diff-request.js'
import type {DiffResult} from '../../src/operations/compare/diff-result.js'
import {parseSide} from '../../src/operations/compare/side.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {operationPorts} from './operation-ports.js'

/** `diff` of two tags of a store, or of one with a directory, each change in full. */
export async function compare(
  store: ContentStore,
  sides: readonly [first: string, second: string],
  options: Partial<DiffRequest['trees']> & {readonly part?: DiffRequest['part']} = {},
): Promise<DiffResult & {readonly said: readonly string[]}> {
  const ports = operationPorts(store)
  const {part, ...trees} = options
  const [first, second] = sides.map(sideOf)
  if (!first || !second) throw new Error('two sides')
  const request: DiffRequest = {
    ...{first, second, part},
    rules: {exclude: [], owner: undefined, chmod: undefined},
    trees: {
      view: {kind: 'changes', most: 1000},
      ignored: new Set(),
      limits: readLimits,
      temporary: tmpdir(),
      exact: false,
      ...trees,
    },
  }
  return {...(await diff(request, ports)), said: ports.said}
}

/** A tag, with its slot, or a path. */
function sideOf(text: string) {
  return parseSide(text.startsWith('/') ? text : `store.example/app:${text}`)
}

/** `added a`, `changed b content,mode`, for each path. */
export function told({images}: DiffResult): string[] {
  return images.flatMap(({changes}) =>
    changes.map(({change, path, aspects}) =>
      [change, path, ...(aspects.length > 0 ? [aspects.join()] : [])].join(' '),
    ),
  )
}
