import {describe, expect, it} from 'vitest'
import {createProgress, type ProgressMode} from '../../../src/cli/terminal/progress.js'
import type {ProgressEvent} from '../../../src/ports.js'
import {makeFailure, makeOutcome} from '../../support/fleet-report.js'
import {screenAfter} from '../../support/screen.js'

interface Watched {
  readonly terminal: {rows: number}
  /** The screen after these. */
  readonly tell: (...events: ProgressEvent[]) => string[]
  readonly end: () => string[]
  readonly written: () => string
}

/** A terminal of this size, whose clock moves on by a second with every event. */
async function watch(mode: ProgressMode, size: {columns: number; rows: number}): Promise<Watched> {
  let text = ''
  let now = 0
  const terminal = {write: (part: string) => (text += part), isTTY: true, env: {}, ...size}
  const progress = await createProgress(
    mode,
    {quiet: false, debug: false},
    Object.assign(terminal, {now: () => now}),
  )
  return {
    terminal,
    tell(...events: ProgressEvent[]) {
      for (const event of events) {
        now += 1000
        progress.report(event)
      }
      return screenAfter(text)
    },
    end() {
      progress.end()
      return screenAfter(text)
    },
    written: () => text,
  }
}

const image = (number: number) => `registry.example/base/app${number}:v1`
const started = (number: number): ProgressEvent => ({kind: 'started', image: image(number)})
const finished = (number: number, more: object = {status: 'updated'}): ProgressEvent => ({
  kind: 'finished',
  outcome: makeOutcome(image(number), more),
})

describe('progress of many images on a terminal', () => {
  it('shows how many are done, what runs, what was sent and the time that is left', async () => {
    const {tell, end} = await watch('tty', {columns: 100, rows: 24})
    expect(tell({kind: 'step', step: 'read image', on: 'fleet.yaml'})).toEqual([
      'read image: fleet.yaml',
    ])
    expect(tell({kind: 'images', total: 8}, started(1), started(2))).toEqual([
      '0 of 8 images',
      `  ${image(1)}  1 s`,
      `  ${image(2)}  0 s`,
    ])
    tell(finished(1), {kind: 'sent', bytes: 45_000_000}, started(3))
    expect(tell(finished(2, {status: 'unchanged'}), started(4), finished(4))).toEqual([
      '3 of 8 images; 14 s left; 2 updated, 1 unchanged; 45 MB sent',
      `  ${image(3)}  3 s`,
    ])
    expect(end()).toEqual([''])
  })

  it('keeps failures and messages above', async () => {
    const {tell, end} = await watch('tty', {columns: 100, rows: 24})
    const failure = makeFailure(image(2), 'there is no image\u001B[2J')
    tell({kind: 'images', total: 3}, started(1), started(2))
    tell({kind: 'finished', outcome: failure}, {kind: 'warning', message: 'careful'})
    const lines = [
      `inject: failed: ${image(2)}: there is no image\uFFFD[2J (ERR_INJECT_IMAGE_NOT_FOUND): check the name`,
      'inject: warning: careful',
    ]
    expect(tell(started(3))).toEqual([
      ...lines,
      '1 of 3 images; 1 failed',
      `  ${image(1)}  4 s`,
      `  ${image(3)}  0 s`,
    ])
    expect(end()).toEqual([...lines, ''])
  })

  it('never draws a line that the terminal would break, nor more than it has', async () => {
    const {tell, terminal} = await watch('tty', {columns: 24, rows: 6})
    tell({kind: 'images', total: 20})
    const screen = tell(...[1, 2, 3, 4, 5, 6].map(started))
    expect(screen).toHaveLength(5)
    expect(screen.at(-1)).toBe('  and 3 more')
    for (const line of screen) expect(line.length).toBeLessThan(24)
    terminal.rows = 3
    expect(tell(finished(1))).toEqual(['1 of 20 images'])
  })

  it('shows the step that all images wait for', async () => {
    const {tell} = await watch('tty', {columns: 100, rows: 24})
    tell({kind: 'images', total: 2}, {kind: 'step', step: 'pack and push', on: './certs'})
    expect(tell({kind: 'bytes', done: 1_000_000, total: 4_000_000})).toEqual([
      '0 of 2 images; pack and push: ./certs; 1 MB of 4 MB (25 %)',
    ])
  })
})

describe('progress of many images elsewhere', () => {
  it('is a line for each', async () => {
    const {tell, written} = await watch('plain', {columns: 80, rows: 24})
    tell({kind: 'images', total: 3}, started(1), finished(1), finished(2, {status: 'unchanged'}))
    tell({kind: 'finished', outcome: makeFailure(image(3))})
    expect(written().split('\n')).toEqual([
      `inject: updated: ${image(1)} (1 of 3)`,
      `inject: unchanged: ${image(2)} (2 of 3)`,
      `inject: failed: ${image(3)}: it is gone (ERR_INJECT_IMAGE_NOT_FOUND): check the name (3 of 3)`,
      '',
    ])
  })

  it('says now and then that bytes are on their way', async () => {
    const {tell, written} = await watch('plain', {columns: 80, rows: 24})
    const sent = Array.from({length: 21}, () => ({kind: 'sent', bytes: 1_000_000}) as const)
    tell({kind: 'images', total: 3}, ...sent)
    expect(written()).toBe('inject: 9 MB sent (0 of 3)\ninject: 19 MB sent (0 of 3)\n')
  })
})
