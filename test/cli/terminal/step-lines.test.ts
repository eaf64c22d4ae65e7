import {describe, expect, it} from 'vitest'
import {createStepLines} from '../../../src/cli/terminal/step-lines.js'
import {digestOf} from '../../../src/oci/digest.js'
import type {ProgressEvent} from '../../../src/ports.js'
import {screenAfter} from '../../support/screen.js'

const [one, two] = ['one', 'two'].map((text) => digestOf(Buffer.from(text)))
const shown = (digest = '') => `  ${digest.slice(0, 19)}`

/** A terminal of this size, whose clock moves on by a second with every event. */
function watch(size: {columns?: number; rows?: number} = {}) {
  let text = ''
  let now = 0
  const terminal = {
    ...{columns: 100, rows: 24, ...size},
    write: (part: string) => (text += part),
    isTTY: true,
    env: {},
    now: () => now,
  }
  const lines = createStepLines(terminal)
  return {
    terminal,
    tell: (...events: ProgressEvent[]) => {
      for (const event of events) {
        now += 1000
        lines.report(event)
      }
      return screenAfter(text)
    },
    end: () => {
      lines.end()
      return screenAfter(text)
    },
  }
}

const blob = (digest: typeof one, done: number): ProgressEvent => ({
  kind: 'blob',
  digest: digest!,
  done,
  size: 4_000_000,
})
const step: ProgressEvent = {kind: 'step', step: 'copy', on: 'registry.example/app'}

describe('a run on one image', () => {
  it('shows each of several blobs that are on their way', () => {
    const {tell, end} = watch()
    tell(step, blob(one, 1_000_000))
    expect(tell({kind: 'bytes', done: 1_000_000, total: 8_000_000})).toHaveLength(1)
    expect(tell(blob(two, 3_000_000))).toEqual([
      expect.stringMatching(/^copy: registry\.example\/app {2}1 MB of 8 MB \(12 %\)/),
      `${shown(one)}  1 MB of 4 MB (25 %)`,
      `${shown(two)}  3 MB of 4 MB (75 %)`,
    ])
    const left = tell({kind: 'blob ended', digest: one!})
    expect(left).toHaveLength(1)
    expect(end()).toEqual([''])
  })

  it('keeps messages above all of that', () => {
    const {tell, end} = watch()
    tell(step, blob(one, 1), blob(two, 2))
    const screen = tell({kind: 'warning', message: 'careful'})
    expect(screen).toHaveLength(4)
    expect(screen[0]).toBe('inject: warning: careful')
    expect(end()).toEqual(['inject: warning: careful', ''])
  })

  it('leaves the algorithm of digests out where there is little room', () => {
    const {tell} = watch({columns: 40})
    expect(tell(step, blob(one, 1_000_000), blob(two, 3_000_000)).slice(1)).toEqual([
      `  ${one?.slice(7, 19)}  1 MB of 4 MB (25 %)`,
      `  ${two?.slice(7, 19)}  3 MB of 4 MB (75 %)`,
    ])
  })

  it('shows no more blobs than a low terminal has lines for', () => {
    const {tell} = watch({rows: 5})
    expect(tell(step, blob(one, 1), blob(two, 2))).toHaveLength(2)
  })

  it('shows how long a registry asked to wait, and goes on with the rest after that', () => {
    const {tell} = watch()
    tell(step, {kind: 'bytes', done: 1_000_000})
    expect(tell({kind: 'waiting', host: 'registry.example', milliseconds: 12_000})).toEqual([
      'copy: registry.example/app  waiting for registry.example: 12 s  1 MB',
    ])
    expect(tell({kind: 'bytes', done: 1_000_000})[0]).toContain('registry.example: 11 s')
    const later = Array.from({length: 12}, (): ProgressEvent => ({kind: 'bytes', done: 2_000_000}))
    expect(tell(...later)[0]).not.toContain('waiting')
  })

  it('shows how many entries were looked at', () => {
    const {tell} = watch()
    tell({kind: 'step', step: 'compare', on: './tree'})
    expect(tell({kind: 'walked', entries: 12_000})).toEqual(['compare: ./tree  12,000 entries'])
  })

  it('takes the rate of the last seconds, not that of the whole step', () => {
    const {tell} = watch()
    tell(step)
    const slow = Array.from({length: 60}, (): ProgressEvent => ({kind: 'bytes', done: 1_000}))
    tell(...slow)
    const fast = Array.from({length: 15}, (_, at): ProgressEvent => ({
      kind: 'bytes',
      done: (at + 1) * 1_000_000,
      total: 25_000_000,
    }))
    expect(tell(...fast)[0]).toMatch(/15 MB of 25 MB \(60 %\) {2}10 s left {2}1 MB\/s$/)
  })

  it('clears what a terminal that became narrower has wrapped', () => {
    const {tell, terminal} = watch({columns: 60})
    tell(step)
    // 26 columns of text are two lines of 20
    terminal.columns = 20
    const screen = tell({kind: 'bytes', done: 1})
    expect(screen.every((line) => line.length < 20)).toBe(true)
  })
})
