import {execaSync} from 'execa'
import {mkdirSync, renameSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {walk, type WalkOptions} from '../../../src/layer/tree/walk.js'
import {tempDir} from '../../support/temp-dir.js'
import {thrownBy} from '../../support/thrown-by.js'
import {describeWith} from '../../support/tools.js'
import {setXattr} from '../../support/xattr.js'

const entries = (root: string, options: Partial<WalkOptions> = {}) =>
  [...walk(root, {path: '/', ...options})].map(({entry}) => entry)

/** What decides about a walk, of which all must see the same. */
const details: readonly Partial<WalkOptions>[] = [{}, {detail: 'content'}, {detail: 'states'}]

describe.runIf(process.getuid?.() === 0)('W11 an overlay’s whiteout device, made by root', () => {
  async function withDevice() {
    const root = await tempDir()
    mkdirSync(join(root, 'd'))
    execaSync('mknod', [join(root, 'd/gone'), 'c', '0', '0'])
    execaSync('mknod', [join(root, 'd/null'), 'c', '1', '3'])
    writeFileSync(join(root, 'd/-file'), '')
    return root
  }

  it('is refused as a file named .wh.gone is', async () => {
    const root = await withDevice()
    for (const detail of details)
      expect(thrownBy(() => entries(root, detail))).toMatchObject({
        code: 'ERR_INJECT_WHITEOUT',
        message: "'d/.wh.gone' is a whiteout: in a layer it deletes a file of the image",
      })
  })

  it('is an empty file named .wh.gone with --whiteouts, in its place by that name', async () => {
    const root = await withDevice()
    for (const detail of details) {
      const found = entries(root, {...detail, whiteouts: true})
      expect(found.map(({path}) => path)).toEqual(['d', 'd/-file', 'd/.wh.gone', 'd/null'])
      expect(found[2]).toMatchObject({kind: 'file', size: 0, mode: 0o644})
    }
  })

  it('another device is said at once to need --devices', async () => {
    const root = await withDevice()
    const said: string[] = []
    entries(root, {whiteouts: true, onWarning: (message) => said.push(message)})
    expect(said).toEqual(["'d/null' is a device: unpacking it takes root and --devices"])
  })
})

describeWith(['setfattr'], 'W11 an overlay’s attributes', () => {
  it('never are in a layer', async () => {
    const root = await tempDir()
    writeFileSync(join(root, 'file'), '')
    await setXattr(join(root, 'file'), 'user.overlay.origin', Buffer.from('x'))
    await setXattr(join(root, 'file'), 'user.fuseoverlayfs.metacopy', Buffer.from('x'))
    await setXattr(join(root, 'file'), 'user.kept', Buffer.from('x'))
    const [file] = entries(root)
    expect([...(file?.xattrs?.keys() ?? [])]).toEqual(['user.kept'])
  })

  it('an opaque directory is refused, and with --whiteouts has the mark of one', async () => {
    const root = await tempDir()
    mkdirSync(join(root, 'd'))
    writeFileSync(join(root, 'd/file'), '')
    await setXattr(join(root, 'd'), 'user.overlay.opaque', Buffer.from('y'))
    for (const detail of details) {
      expect(thrownBy(() => entries(root, detail)).code).toBe('ERR_INJECT_WHITEOUT')
      const paths = entries(root, {...detail, whiteouts: true}).map(({path}) => path)
      expect(paths).toEqual(['d', 'd/.wh..wh..opq', 'd/file'])
    }
    await setXattr(join(root, 'd'), 'user.overlay.opaque', Buffer.from('x'))
    expect(entries(root).map(({path}) => path)).toEqual(['d', 'd/file'])
  })
})

describeWith(['setfattr'], 'W35 attributes that are left out', () => {
  it.runIf(process.getuid?.() === 0)('trusted ones are said, once', async () => {
    const root = await tempDir()
    for (const name of ['a', 'b']) {
      writeFileSync(join(root, name), '')
      await setXattr(join(root, name), 'trusted.foo', Buffer.from('x'))
    }
    const said: string[] = []
    entries(root, {onWarning: (message) => said.push(message)})
    expect(said).toHaveLength(1)
    expect(said[0]).toContain("'trusted.foo' of ")
  })

  it('of names that are not UTF-8 they are read where that is possible, and one warning tells of the others', async () => {
    const root = await tempDir()
    const odd = (name: string) =>
      Buffer.concat([Buffer.from(`${root}/${name}`), Buffer.from([255])])
    mkdirSync(join(root, 'folder/inner'), {recursive: true})
    writeFileSync(join(root, 'folder/file'), '')
    for (const path of ['folder', 'folder/inner', 'folder/file'])
      await setXattr(join(root, path), 'user.kept', Buffer.from(path))
    renameSync(join(root, 'folder'), odd('folder'))
    symlinkSync('folder', odd('link'))
    const said: string[] = []
    const found = entries(root, {onWarning: (message) => said.push(message)})
    const folder = 'folder\u00ff'
    expect(found.map(({path, xattrs}) => [path, xattrs?.get('user.kept')?.toString()])).toEqual([
      [folder, 'folder'],
      [`${folder}/file`, 'folder/file'],
      [`${folder}/inner`, 'folder/inner'],
      ['link\u00ff', undefined],
    ])
    expect(said).toEqual([])
    writeFileSync(odd('a'), '')
    writeFileSync(odd('b'), '')
    entries(root, {onWarning: (message) => said.push(message)})
    expect(said).toHaveLength(1)
    expect(said[0]).toMatch(/names are not UTF-8 cannot be read: if there are any, they are not/)
  })
})
