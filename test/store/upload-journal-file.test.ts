import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  watch,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {beforeEach, describe, expect, it, onTestFinished} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import type {UploadJournal, UploadRecord} from '../../src/store/upload-journal.js'
import {withUploadJournal} from '../../src/store/upload-journal-file.js'
import {tempDir} from '../support/temp-dir.js'

const identity = ['registry.example/app', '/data', '/']
const record: UploadRecord = {
  location: 'https://registry.example/v2/app/blobs/uploads/1?_state=canary',
  checkpoint: {offset: 8_388_608, digest: digestOf(Buffer.from('x'))},
  isWhole: false,
}
const day = 86_400_000

let folder: string
let notices: string[]
let now: number
beforeEach(async () => {
  folder = join(await tempDir(), 'cache', 'inject', 'uploads')
  notices = []
  now = Date.now()
})

function journal<T>(
  work: (journal: UploadJournal | undefined) => Promise<T>,
  who: readonly string[] = identity,
): Promise<T> {
  const onNotice = (text: string) => void notices.push(text)
  return withUploadJournal({folder, identity: who, now: () => now, onNotice}, work)
}
const leave = (left = record) =>
  journal(async (own) => {
    own?.note(left)
    expect(await own?.flush()).toBe(true)
  })
const left = (who?: readonly string[]) => journal((own) => Promise.resolve(own?.left), who)
const files = () => readdirSync(folder).filter((name) => !name.includes('.lock'))

describe('withUploadJournal', () => {
  it('gives another run what was noted last, and nobody else', async () => {
    expect(await left()).toBeUndefined()
    await leave()
    expect(await left()).toEqual(record)
    expect(await left(['registry.example/app', '/data', '/other'])).toBeUndefined()
    await leave({...record, isWhole: true})
    expect(await left()).toMatchObject({isWhole: true})
  })

  it('T-39 is for its owner only, whatever the umask, and names nothing', async () => {
    mkdirSync(folder, {recursive: true})
    chmodSync(folder, 0o755)
    await leave()
    const [name = ''] = files()
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    expect(name).toMatch(/^[0-9a-f]{32}\.json$/)
  })

  it('is not kept in a folder that others can write to (A8)', async () => {
    mkdirSync(folder, {recursive: true})
    chmodSync(folder, 0o777)
    expect(await journal((own) => Promise.resolve(own))).toBeUndefined()
    expect(files()).toEqual([])
  })

  it('is gone when it was cleared', async () => {
    await leave()
    await journal(async (own) => {
      await own?.clear()
      expect(await own?.flush()).toBe(false)
    })
    expect(files()).toEqual([])
  })

  it('writes at most once a second', async () => {
    await journal(async (own) => {
      const changed: (string | null)[] = []
      const watcher = watch(folder, (_, name) => changed.push(name))
      onTestFinished(() => watcher.close())
      own?.note(record)
      await own?.flush()
      own?.note({...record, checkpoint: {...record.checkpoint, offset: 2 * 8_388_608}})
      now += 1000
      own?.note({...record, checkpoint: {...record.checkpoint, offset: 3 * 8_388_608}})
      await own?.flush()
      expect(files()).toHaveLength(1)
      // changes are told in their order
      writeFileSync(join(folder, 'end'), '')
      await expect.poll(() => changed).toContain('end')
      expect(changed.filter((name) => name === files()[0])).toHaveLength(2)
      rmSync(join(folder, 'end'))
    })
    expect(await left()).toMatchObject({checkpoint: {offset: 3 * 8_388_608}})
  })

  it.each([
    ['nothing', ''],
    ['half of an object', '{'],
    ['a list', '[]'],
    ['another version', '{"version":2}'],
    ['too much', 'x'.repeat(70_000)],
    ['members that are missing', '{"version":1,"written":0}'],
  ])('ignores and removes what cannot be read: %s', async (_, text) => {
    await leave()
    writeFileSync(join(folder, files()[0] ?? ''), text)
    expect(await left()).toBeUndefined()
    expect(notices).toHaveLength(text.length > 65_536 ? 0 : 1)
  })

  it('forgets what is older than a day, and what others left half-written', async () => {
    await leave()
    const half = join(folder, `${'0'.repeat(32)}.json.abc.tmp`)
    writeFileSync(half, '')
    utimesSync(half, new Date(now - 2 * day), new Date(now - 2 * day))
    now += day
    expect(await left()).toBeUndefined()
    expect(notices).toEqual([])
    expect(files()).toEqual([])
  })

  it('follows no link', async () => {
    await leave()
    const [name = ''] = files()
    const elsewhere = join(folder, 'elsewhere')
    writeFileSync(elsewhere, readFileSync(join(folder, name)))
    await journal(async (own) => own?.clear())
    symlinkSync(elsewhere, join(folder, name))
    expect(await left()).toBeUndefined()
  })

  it('lets only one of two runs have it', async () => {
    await leave()
    await journal(async (own) => {
      expect(own?.left).toEqual(record)
      expect(await journal((second) => Promise.resolve(second))).toBeUndefined()
    })
  })

  it('does without where there can be none', async () => {
    mkdirSync(join(folder, '..'), {recursive: true})
    writeFileSync(folder, 'a file')
    expect(await journal((own) => Promise.resolve([own]))).toEqual([undefined])
  })

  it('passes on what the work throws', async () => {
    await expect(journal(() => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
    await leave()
  })
})
