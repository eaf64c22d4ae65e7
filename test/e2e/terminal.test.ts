import {execaSync} from 'execa'
import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {expect, it} from 'vitest'
import {textWidth} from '../../src/cli/terminal/text-width.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {tempDir} from '../support/temp-dir.js'

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

/**
 * What a terminal of so many columns shows in the end of what was written to it, line by line: a
 * line that is too long is wrapped.
 */
function shown(written: string, columns: number): string[] {
  const lines = ['']
  for (const [piece] of written.matchAll(/\r\n|\r|\p{Cc}\[K|[^\r\n\p{Cc}]/gu)) {
    const last = lines.at(-1) ?? ''
    if (piece === '\r\n') lines.push('')
    else if (piece === '\u001B[K') lines[lines.length - 1] = ''
    else if (piece !== '\r')
      if (textWidth(last + piece) > columns) lines.push(piece)
      else lines[lines.length - 1] = last + piece
  }
  return lines
}

it.each([40, 80])('on a terminal of %i columns, only what counts stays', async (columns) => {
  const folder = await tempDir()
  const tree = join(folder, 'a-folder-with-a-name-that-is-longer-than-the-terminal-is-wide')
  mkdirSync(tree)
  writeFileSync(join(tree, 'file'), 'content')
  await makeLayoutImage(join(folder, 'a-layout-with-a-long-name-as-well'))
  const image = `oci:${join(folder, 'a-layout-with-a-long-name-as-well/images')}:v1`
  const command = `stty cols ${columns} rows 24; exec "$NODE" "$PROGRAM" update "$IMAGE" "$TREE"`
  const {stdout, exitCode} = execaSync('script', ['-qec', command, '/dev/null'], {
    reject: false,
    extendEnv: false,
    input: '',
    timeout: 60_000,
    env: {
      PATH: process.env['PATH'] ?? '',
      TERM: 'xterm',
      HOME: folder,
      NODE: process.execPath,
      PROGRAM: program,
      IMAGE: image,
      TREE: tree,
    },
  })
  expect(stdout).toContain('\r\u001B[Kpack')
  expect(exitCode).toBe(0)
  const text = shown(`${stdout}\r\n`, 10_000).filter((line) => line !== '')
  // the summary, and the result: no step beside them, nor a part of one that was wrapped
  expect(text.map((line) => line.replace(/:.*/, ''))).toEqual(['inject', 'oci'])
  expect(shown(`${stdout}\r\n`, columns).join('')).toBe(text.join(''))
})
