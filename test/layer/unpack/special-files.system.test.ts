import {execa} from 'execa'
import {lstatSync, readdirSync, writeFileSync} from 'node:fs'
import {chmod, mkdir} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {unpackLayer} from '../../../src/layer/unpack/unpack-layers.js'
import {digestOf} from '../../../src/oci/digest.js'
import {ociLayer} from '../../../src/oci/media-type.js'
import {streamOf} from '../../../src/stream/bytes.js'
import {archive, member} from '../../support/tar-fixtures.js'
import {tempDir} from '../../support/temp-dir.js'

const fifos = (count: number): Buffer =>
  archive(
    ...Array.from({length: count}, (_, at) => member({name: `f${at}`, type: '6', mode: 0o640})),
  )

const unpack = (tar: Buffer, directory: string, limits = {}) =>
  unpackLayer({
    directory,
    open: () => streamOf(tar),
    mediaType: ociLayer,
    diffId: digestOf(tar),
    path: '/',
    force: false,
    limits,
  })

/** Runs with a `mkfifo` that counts how often it is started. */
async function counted(work: () => Promise<unknown>): Promise<number> {
  const folder = await tempDir()
  const log = join(folder, 'log')
  const {stdout: real} = await execa('which', ['mkfifo'])
  await mkdir(join(folder, 'bin'))
  writeFileSync(log, '')
  writeFileSync(join(folder, 'bin/mkfifo'), `#!/bin/sh\necho >>${log}\nexec ${real} "$@"\n`)
  await chmod(join(folder, 'bin/mkfifo'), 0o755)
  const before = process.env['PATH']
  process.env['PATH'] = `${join(folder, 'bin')}:${before}`
  try {
    await work()
  } finally {
    process.env['PATH'] = before
  }
  return lstatSync(log).size
}

describe('special files', () => {
  it('a thousand FIFOs take some ten processes, and nothing else is left', async () => {
    const out = join(await tempDir(), 'out')
    expect(await counted(() => unpack(fifos(1000), out))).toBeLessThan(15)
    const names = readdirSync(out)
    expect(names).toHaveLength(1000)
    expect(names.every((name) => lstatSync(join(out, name)).isFIFO())).toBe(true)
    expect(lstatSync(join(out, 'f999')).mode & 0o777).toBe(0o640)
  })

  it('one FIFO takes one process', async () => {
    const out = join(await tempDir(), 'out')
    expect(await counted(() => unpack(fifos(1), out))).toBe(1)
    expect(readdirSync(out)).toEqual(['f0'])
  })

  it('more of them than are allowed are refused', async () => {
    const out = join(await tempDir(), 'out')
    await expect(unpack(fifos(1001), out)).rejects.toMatchObject({
      name: 'LimitError',
      code: 'ERR_INJECT_TOO_MANY_SPECIAL_FILES',
    })
    await expect(unpack(fifos(3), out, {special: 2})).rejects.toThrow('more than 2')
    await unpack(fifos(3), out, {special: 3})
  })
})
