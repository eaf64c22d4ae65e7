import {describe, expect, it} from 'vitest'
import {createProgress, type ProgressMode} from '../../src/cli/progress.js'
import type {ProgressEvent} from '../../src/operations/ports.js'

const events: ProgressEvent[] = [
  {kind: 'step', step: 'pack and push', on: './tree'},
  {kind: 'bytes', done: 1_000_000},
  {kind: 'bytes', done: 2_000_000, total: 4_000_000},
  {kind: 'notice', message: 'noted'},
  {kind: 'warning', message: 'careful'},
]

/** What is drawn for the events, one second apart. */
function drawn(
  mode: ProgressMode,
  surroundings: {
    isTTY?: boolean
    env?: Record<string, string>
    quiet?: boolean
    seconds?: number
  } = {},
): string {
  const {isTTY = true, env = {}, quiet = false, seconds = 1} = surroundings
  let text = ''
  let now = 0
  const progress = createProgress(
    mode,
    {quiet, debug: false},
    {write: (part) => (text += part), isTTY, env, now: () => (now += seconds * 1000)},
  )
  for (const event of events) progress.report(event)
  progress.end()
  return text
}

describe('createProgress', () => {
  it('redraws one line on a terminal, and keeps messages above it', () => {
    expect(drawn('auto').replaceAll('\r\u001B[K', '\n<')).toMatchInlineSnapshot(`
      "
      <pack and push: ./tree
      <pack and push: ./tree  1 MB  500 kB/s
      <pack and push: ./tree  2 MB of 4 MB (50 %)  500 kB/s
      <inject: noted

      <pack and push: ./tree
      <inject: warning: careful

      <pack and push: ./tree
      <"
    `)
  })

  it('is a line for each step elsewhere, and says now and then that a long one goes on', () => {
    const lines = 'inject: pack and push: ./tree\ninject: noted\ninject: warning: careful\n'
    expect(drawn('auto', {isTTY: false})).toBe(lines)
    expect(drawn('auto', {env: {CI: 'true'}})).toBe(lines)
    expect(drawn('auto', {env: {TERM: 'dumb'}})).toBe(lines)
    expect(drawn('plain', {seconds: 11})).toBe(
      'inject: pack and push: ./tree\ninject: pack and push: 1 MB\ninject: pack and push: 2 MB of 4 MB (50 %)\ninject: noted\ninject: warning: careful\n',
    )
  })

  it('is JSON, only messages, or nothing', () => {
    expect(
      drawn('json')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as ProgressEvent),
    ).toEqual(events)
    expect(drawn('none')).toBe('inject: noted\ninject: warning: careful\n')
    expect(drawn('tty', {quiet: true})).toBe('')
  })
})
