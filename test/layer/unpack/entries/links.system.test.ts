import {execaSync} from 'execa'
import {mkdirSync, statSync, truncateSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it, onTestFinished} from 'vitest'
import {fromText} from '../../../../src/layer/byte-string.js'
import {createExtraction} from '../../../../src/layer/unpack/entries/extract.js'
import {openTreeRoot} from '../../../../src/layer/unpack/folders/tree-root.js'
import {walk} from '../../../../src/layer/tree/walk.js'
import {mayMount} from '../../../support/may-mount.js'
import {tempDir} from '../../../support/temp-dir.js'

/** A file system of the kind that most machines have, for the running test. */
async function mountExt4(): Promise<string | undefined> {
  const folder = await tempDir()
  const image = join(folder, 'image')
  writeFileSync(image, '')
  truncateSync(image, 64 * 1024 * 1024)
  const mounted = join(folder, 'mounted')
  mkdirSync(mounted)
  const made = execaSync('mkfs.ext4', ['-q', '-N', '1000', image], {reject: false})
  const done =
    made.failed || execaSync('mount', ['-o', 'loop', image, mounted], {reject: false}).failed
  if (done) return undefined
  onTestFinished(() => void execaSync('umount', ['-l', mounted], {reject: false}))
  return mounted
}

describe.runIf(mayMount())('W13 more names of one file than ext4 takes (root, loop mount)', () => {
  it('70,000 of them: a copy from there on, said once, with the same owner, mode and time', async (context) => {
    const mounted = await mountExt4()
    if (mounted === undefined) return context.skip('no loop mounts of ext4 here')
    const directory = join(mounted, 'tree')
    mkdirSync(directory)
    const said: string[] = []
    const tree = openTreeRoot(fromText(directory))
    const extraction = createExtraction(tree, (message) => said.push(message))
    const metadata = {
      mode: 0o640,
      uid: 7,
      gid: 8,
      mtime: 5,
      xattrs: new Map([['user.a', Buffer.from('b')]]),
    }
    extraction.add({kind: 'file', path: 'file', size: 7, ...metadata})
    extraction.write(Buffer.from('content'))
    extraction.endEntry()
    const count = 70_000
    for (let at = 0; at < count; at++) {
      const path = `links/${String(at % 100)}/${at}`
      extraction.add({kind: 'hardlink', path, target: 'file', ...metadata})
      extraction.endEntry()
    }
    await extraction.finish()
    extraction.close()
    tree.close()
    expect(said).toEqual([
      expect.stringMatching(
        /^the file system allows no more names for one file: 'links\/.* is a copy of 'file'/,
      ),
    ])
    const first = statSync(join(directory, 'file'))
    const last = statSync(join(directory, `links/99/${count - 1}`))
    expect([first.nlink, last.nlink]).toEqual([65_000, count + 1 - 65_000])
    const {mode, uid, gid, mtimeMs, size} = last
    expect({mode: mode & 0o7777, uid, gid, mtime: mtimeMs / 1000, size}).toEqual({
      ...{mode: 0o640, uid: 7, gid: 8, mtime: 5, size: 7},
    })
    // and it is packed again, two contents and the rest links
    const packed = [...walk(directory, {path: '/'})].map(({entry}) => entry)
    expect(
      packed.filter(({kind}) => kind === 'file').map(({xattrs}) => xattrs?.get('user.a')),
    ).toEqual([Buffer.from('b'), Buffer.from('b')])
    expect(packed.filter(({kind}) => kind === 'hardlink')).toHaveLength(count - 1)
  }, 120_000)
})
