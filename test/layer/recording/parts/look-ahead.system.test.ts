import {linkSync, mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {fromText} from '../../../../src/layer/byte-string.js'
import {lastOf} from '../../../../src/stream/take-turns.js'
import {lookAgain, type RowsAhead} from '../../../../src/layer/recording/look-again.js'
import {lookAhead} from '../../../../src/layer/recording/parts/look-ahead.js'
import {rowsAtOnce} from '../../../../src/layer/recording/parts/look-words.js'
import {RowReader} from '../../../../src/layer/recording/rows/packed-rows.js'
import {recordedRows} from '../../../support/recorded-rows.js'
import {tempDir} from '../../../support/temp-dir.js'
import {awaitThreads, threadCount} from '../../../support/thread-count.js'

const later = 2n ** 62n

/** A walk of some 1,300 rows, in memory that threads share; some are links, or not UTF-8. */
async function start() {
  const directory = await tempDir()
  for (let folder = 10; folder < 30; folder++) {
    mkdirSync(join(directory, `d${folder}`))
    const path = (name: string) => join(directory, `d${folder}`, name)
    for (let file = 100; file < 160; file++) writeFileSync(path(`f${file}`), `${file}`)
    writeFileSync(Buffer.concat([Buffer.from(path('')), Buffer.of(0xff)]), 'no UTF-8')
    linkSync(path('f100'), path('link'))
    writeFileSync(path('ümläut'), 'ü')
  }
  const {tree, root, rows} = recordedRows(directory)
  const pieces = rows.pieces.map((piece) => {
    const shared = new Uint8Array(new SharedArrayBuffer(piece.length))
    shared.set(piece)
    return shared
  })
  const work: RowsAhead = {
    ...{pieces, count: rows.count, folder: `${fromText(directory)}/`, prefixLength: 0},
    ...{areLinksAlike: true, before: later},
  }
  const look = (ahead?: ReturnType<typeof lookAhead>) => {
    const rowsTouched: number[] = []
    const touched = lastOf(
      lookAgain(new RowReader({pieces}), {
        ...{tree, root, prefixLength: 0, now: later, areLinksAlike: true, startAhead: () => ahead},
        onTouched: (row) => rowsTouched.push(row),
      }),
    )
    return {touched, rowsTouched}
  }
  return {path: (name: string) => join(directory, name), work, look}
}

/** Starts threads and waits until they have come to their end. */
function lookedAhead(work: RowsAhead, jobs = 2) {
  const before = threadCount()
  const ahead = lookAhead(work, jobs, 1)
  if (!ahead) throw new Error('no thread was started')
  awaitThreads(before)
  return ahead
}

/** What is said of the first row of each piece. */
function untouchedIn({count}: RowsAhead, ahead: ReturnType<typeof lookedAhead>): boolean[] {
  const firsts = Array.from({length: Math.ceil(count / rowsAtOnce)}, (_, at) => at * rowsAtOnce)
  return firsts.map((row) => ahead.isUntouched(row))
}

describe('threads that look at rows', () => {
  it('look at every other piece of them, and are heard', async () => {
    const {work, look} = await start()
    expect(work.count).toBeGreaterThan(4 * rowsAtOnce)
    const ahead = lookedAhead(work)
    expect(untouchedIn(work, ahead)).toEqual([false, true, false, true, false])
    const two = lookedAhead(work, 3)
    expect(untouchedIn(work, two)).toEqual([false, true, true, false, true])
    expect(look(lookedAhead(work))).toEqual(look())
  })

  it('leave to the caller what was touched, is gone, or has a time that is not past', async () => {
    const {work, look, path} = await start()
    // the second piece has the rows from 256 on
    writeFileSync(path('d14/f140'), 'another content')
    writeFileSync(path('d29/link'), 'for both')
    const ahead = lookedAhead(work)
    expect(untouchedIn(work, ahead)).toEqual([false, false, false, true, false])
    const alone = look()
    expect(alone.rowsTouched).toHaveLength(3)
    expect(look(lookedAhead(work))).toEqual(alone)
    const early = lookedAhead({...work, before: 1n})
    expect(untouchedIn(work, early)).toEqual([false, false, false, false, false])
    writeFileSync(path('d14/new'), 'a directory was touched')
    expect(look(lookedAhead(work)).touched).toBeUndefined()
  })

  it('take nothing that the caller came to first', async () => {
    const {work, look} = await start()
    const ahead = lookAhead(work, 2, 1)
    const meanwhile = look(ahead)
    ahead?.close()
    expect(meanwhile).toEqual(look())
  })

  it('are not waited for where they come to nothing', async () => {
    const {work, look} = await start()
    const unreadable = {...work, pieces: [new Uint8Array(new SharedArrayBuffer(8)).fill(255)]}
    expect(look(lookedAhead(unreadable))).toEqual(look())
  })

  it('are not started for one job, few rows, or memory that is not shared', async () => {
    const {work} = await start()
    const before = threadCount()
    expect(lookAhead(work, 1, 1)).toBeUndefined()
    expect(lookAhead(work, 2)).toBeUndefined()
    expect(lookAhead({...work, pieces: [new Uint8Array(8)]}, 2, 1)).toBeUndefined()
    expect(threadCount()).toBe(before)
  })
})
