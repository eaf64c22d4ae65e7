import type {Ports} from '../../ports.js'
import {compareTrees, type CompareOptions} from './compare-trees.js'
import {createCounter, totalOf} from './count-changes.js'
import type {NamedChange, TreeDiff} from './diff-result.js'
import type {DiffObserver} from './draw-diff.js'
import type {FileChange} from './file-change.js'
import {namedChange, namedRow} from './named-path.js'
import {type ReadOptions, readTrees, type TreeSource} from './read-trees.js'
import {createRollUp} from './roll-up.js'
import {createTurn} from '../../stream/take-turns.js'

/** How changes are reported. */
export type DiffView =
  /** At most so many rows, combined by directory. */
  | {readonly kind: 'rows'; readonly most: number}
  /** At most so many changes, one by one. */
  | {readonly kind: 'changes'; readonly most: number}
  | {readonly kind: 'counts'}
  /** Each change goes to a listener at once; none is kept. */
  | {readonly kind: 'listener'; readonly onChange: (change: FileChange) => void}

export interface DiffTreesOptions extends CompareOptions, Omit<ReadOptions, 'hashes' | 'tables'> {
  readonly view: DiffView
  /** Hears of every comparison and of every change, whatever the view. */
  readonly observer?: DiffObserver | undefined
}

/** Compares two trees. Throws what `readTrees` throws. */
export async function diffTrees(
  first: TreeSource,
  second: TreeSource,
  options: DiffTreesOptions,
  ports: Pick<Ports, 'report' | 'signal'>,
): Promise<TreeDiff> {
  const {view, ignored} = options
  const hashes = !ignored.has('content')
  const trees = await readTrees(first, second, {...options, hashes, tables: !options.exact}, ports)
  try {
    const counter = createCounter()
    const rollUp = createRollUp(view.kind === 'rows' ? view.most : 1)
    const changes: NamedChange[] = []
    const turn = createTurn(ports.signal)
    const observe = options.observer?.onTrees()
    for (const change of compareTrees(trees, options)) {
      counter.add(change)
      observe?.(change)
      if (view.kind === 'rows') rollUp.add(change)
      else if (view.kind === 'listener') view.onChange(change)
      else if (view.kind === 'changes' && changes.length < view.most)
        changes.push(namedChange(change))
      if (turn.isOver()) await turn.giveTurn()
    }
    const files = counter.counts()
    return {
      files,
      directoryTimes: rollUp.times(),
      rows: rollUp.rows().map(namedRow),
      changes,
      omitted: view.kind === 'changes' ? totalOf(files) - changes.length : 0,
      layersRead: trees.read,
    }
  } finally {
    trees.close()
  }
}
