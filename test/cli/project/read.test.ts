import {lchownSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {readProject} from '../../../src/cli/project/read.js'
import {tempDir} from '../../support/temp-dir.js'

it.skipIf(process.geteuid?.() !== 0)(
  'does not read, let alone quote, what a link of another user leads to',
  async () => {
    const folder = await tempDir()
    writeFileSync(join(folder, 'own'), 'platform: linux/amd64\n', {mode: 0o600})
    const path = join(folder, 'inject.yaml')
    symlinkSync('own', path)
    expect(readProject({path, isChosen: false}, folder).file).toBe('inject.yaml')
    lchownSync(path, 65534, 65534)
    expect(() => readProject({path, isChosen: false}, folder)).toThrow('belongs to another user')
    expect(readProject({path, isChosen: true}, folder).file).toBe('inject.yaml')
  },
)
