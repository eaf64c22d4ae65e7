import {readdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {createKeptFiles} from '../../../src/layer/contents/kept-files.js'
import {digestOf} from '../../../src/oci/digest.js'
import {tempDir} from '../../support/temp-dir.js'

const diffId = digestOf(Buffer.from('layer'))
const file = {
  metadata: {
    mode: 0o644,
    uid: 1,
    gid: 2,
    mtime: 3,
    xattrs: new Map([['user.a', Buffer.from('b')]]),
  },
  bytes: Buffer.from('content'),
}

it('keeps a file of a layer, and no other', async () => {
  const files = createKeptFiles(join(await tempDir(), 'files'))
  expect(await files.get(diffId, 'etc/a')).toBeUndefined()
  await files.put(diffId, 'etc/a', file)
  expect(await files.get(diffId, 'etc/a')).toEqual(file)
  expect(await files.get(diffId, 'etc/b')).toBeUndefined()
  expect(await files.get(digestOf(Buffer.from('other')), 'etc/a')).toBeUndefined()
})

it('takes what is damaged for unknown, and keeps at most 100', async () => {
  const folder = join(await tempDir(), 'files')
  const files = createKeptFiles(folder)
  for (let number = 0; number < 103; number++) await files.put(diffId, `etc/${number}`, file)
  expect(readdirSync(folder)).toHaveLength(100)
  await files.put(diffId, 'etc/a', file)
  for (const name of readdirSync(folder)) writeFileSync(join(folder, name), 'damaged')
  expect(await files.get(diffId, 'etc/a')).toBeUndefined()
})

it('keeps nothing where there can be no folder', async () => {
  const place = join(await tempDir(), 'file')
  writeFileSync(place, '')
  const files = createKeptFiles(join(place, 'files'))
  await files.put(diffId, 'etc/a', file)
  expect(await files.get(diffId, 'etc/a')).toBeUndefined()
})
