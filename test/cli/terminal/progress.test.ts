import {describe, expect, it} from 'vitest'
import {createProgress, type ProgressMode} from '../../../src/cli/terminal/progress.js'
import {textWidth} from '../../../src/cli/terminal/text-width.js'
import type {ProgressEvent} from '../../../src/ports.js'

const events: ProgressEvent[] = [
  {kind: 'step', step: 'pack and push', on: './tree'},
  {kind: 'bytes', done: 1_000_000},
  {kind: 'bytes', done: 2_000_000, total: 4_000_000},
  {kind: 'notice', message: 'noted'},
  {kind: 'warning', message: 'careful'},
]

/** What is drawn for the events, one second apart. */
async function drawn(
  mode: ProgressMode,
  surroundings: {
    isTTY?: boolean
    env?: Record<string, string>
    quiet?: boolean
    seconds?: number
  } = {},
): Promise<string> {
  const {isTTY = true, env = {}, quiet = false, seconds = 1} = surroundings
  let text = ''
  let now = 0
  const progress = await createProgress(
    mode,
    {quiet, debug: false},
    {write: (part) => (text += part), isTTY, env, now: () => (now += seconds * 1000)},
  )
  for (const event of events) progress.report(event)
  progress.end()
  return text
}

describe('createProgress', () => {
  it('redraws one line on a terminal, and keeps messages above it', async () => {
    expect((await drawn('auto')).replaceAll('\r\u001B[K', '\n<')).toMatchInlineSnapshot(`
      "
      <pack and push: ./tree
      <pack and push: ./tree  1 MB  1 MB/s
      <pack and push: ./tree  2 MB of 4 MB (50 %)  2 s left  1 MB/s
      <inject: noted
      pack and push: ./tree  2 MB of 4 MB (50 %)  3 s left  667 kB/s
      <inject: warning: careful
      pack and push: ./tree  2 MB of 4 MB (50 %)  4 s left  500 kB/s
      <"
    `)
  })

  it('is a line for each step elsewhere, and says now and then that a long one goes on', async () => {
    const lines = 'inject: pack and push: ./tree\ninject: noted\ninject: warning: careful\n'
    expect(await drawn('auto', {isTTY: false})).toBe(lines)
    expect(await drawn('auto', {env: {CI: 'true'}})).toBe(lines)
    expect(await drawn('auto', {env: {TERM: 'dumb'}})).toBe(lines)
    expect(await drawn('plain', {seconds: 11})).toBe(
      'inject: pack and push: ./tree\ninject: pack and push: 1 MB\ninject: pack and push: 2 MB of 4 MB (50 %)\ninject: noted\ninject: warning: careful\n',
    )
  })

  it('is JSON, only messages, or nothing', async () => {
    expect(
      (await drawn('json'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as ProgressEvent),
    ).toEqual(events)
    expect(await drawn('none')).toBe('inject: noted\ninject: warning: careful\n')
    expect(await drawn('tty', {quiet: true})).toBe('')
  })

  // of one line, or of one that a terminal which became narrower has wrapped
  // eslint-disable-next-line no-control-regex
  const cleared = /\r(?:\u001B\[\d+A)?\u001B\[[KJ]/

  it('cuts its line to the terminal as wide as it is then, and leaves no step for the summary', async () => {
    const size = {columns: 30}
    const parts: string[] = []
    const terminal = {write: (text: string) => parts.push(text), isTTY: true, env: {}}
    let now = 0
    const clock = {...terminal, now: () => (now += 1000)}
    const watched = Object.defineProperty(clock, 'columns', {get: () => size.columns})
    const progress = await createProgress('tty', {quiet: false, debug: false}, watched)
    const lines = (): string[] => parts.splice(0).flatMap((part) => part.split(cleared))
    const on = 'registry.example/日本/app@sha256:0123456789abcdef0123456789abcdef'
    progress.report({kind: 'step', step: 'publish', on})
    for (const columns of [30, 200, 7, 50, 1, 12]) {
      lines()
      size.columns = columns
      progress.report({kind: 'bytes', done: 1_500_000, total: 3_000_000})
      const [line = ''] = lines().slice(-1)
      expect(textWidth(line)).toBeLessThan(columns)
      if (columns === 200)
        expect(line).toBe(`publish: ${on}  1.5 MB of 3 MB (50 %)  2 s left  750 kB/s`)
      if (columns === 50)
        expect(line).toMatch(/^publis.*…\w*cdef {2}1\.5 MB of 3 MB \(50 %\) {2}\d+ s left$/)
    }
    progress.end()
    expect(parts.splice(0).join('')).toBe('\r\u001B[K')
    progress.report({kind: 'notice', message: 'done'})
    progress.end()
    expect(parts.join('')).toBe('inject: done\n')
  })
})
