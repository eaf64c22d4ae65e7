import {execaSync} from 'execa'
import {
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import {stat} from 'node:fs/promises'
import {join} from 'node:path'
import {afterEach, beforeAll, describe, expect, it, onTestFinished, vi} from 'vitest'
import {fromText} from '../../../../src/layer/byte-string.js'
import {createExtraction, type Extraction} from '../../../../src/layer/unpack/extract.js'
import {
  type FinishThread,
  largestFile,
  startFinishThread,
} from '../../../../src/layer/unpack/threads/finish-thread.js'
import {openTreeRoot} from '../../../../src/layer/unpack/tree-root.js'
import {mayMount} from '../../../support/may-mount.js'
import {tempDir} from '../../../support/temp-dir.js'

const openFiles = (): number => readdirSync('/proc/self/fd').length
const workers = (): number => readdirSync('/proc/self/task').length - threadsBefore
let threadsBefore = 0
beforeAll(async () => {
  // the system calls of promises have threads of their own, from the first one on
  await stat('.')
  threadsBefore = readdirSync('/proc/self/task').length
})

const started: FinishThread[] = []
const start = (): FinishThread => {
  const thread = startFinishThread()
  started.push(thread)
  return thread
}
afterEach(() => {
  for (const thread of started.splice(0)) thread.close()
})

const owner = {uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, xattrs: undefined}
const contentOf = (number: number, size: number): Buffer =>
  Buffer.alloc(size, `content of ${number}, `)

/** Writes into a new directory with threads. */
async function extract(
  work: (extraction: Extraction, directory: string) => void,
  into?: string,
): Promise<string> {
  const directory = into ?? (await tempDir())
  const tree = openTreeRoot(fromText(directory))
  const extraction = createExtraction(tree, () => undefined, {threads: true})
  try {
    work(extraction, directory)
    await extraction.finish()
  } finally {
    extraction.close()
    tree.close()
  }
  return directory
}

function addFile(extraction: Extraction, path: string, content: Buffer, more = {}): void {
  const entry = {kind: 'file', path, size: content.length, mode: 0o644, mtime: 1, ...owner} as const
  extraction.add({...entry, ...more})
  // in pieces, as blocks end
  const half = content.length >> 1
  extraction.write(content.subarray(0, half))
  extraction.write(content.subarray(half))
  extraction.endEntry()
}

describe('a thread that finishes files', () => {
  it('writes thousands of files, each with its content, mode and time', async () => {
    const before = openFiles()
    const sizeOf = (number: number): number =>
      number % 50 === 0 ? largestFile - 1 + (number % 3) : (number * 37) % 5000
    const mtimeOf = (number: number): number => (number % 7 === 0 ? -1 - number : number * 1000)
    let most = 0
    const directory = await extract((extraction) => {
      for (let number = 0; number < 4000; number++) {
        addFile(extraction, `d${number % 9}/${number}`, contentOf(number, sizeOf(number)), {
          mode: number % 5 === 0 ? 0o4711 : 0o600 + (number % 64),
          mtime: mtimeOf(number),
        })
        most = Math.max(most, workers())
      }
    })
    expect(most).toBe(1)
    for (let number = 0; number < 4000; number++) {
      const path = join(directory, `d${number % 9}`, String(number))
      const {mode, mtimeMs} = statSync(path)
      const found = [mode & 0o7777, mtimeMs, readFileSync(path).toString('latin1')]
      const wanted = contentOf(number, sizeOf(number)).toString('latin1')
      const expectedMode = number % 5 === 0 ? 0o4711 : 0o600 + (number % 64)
      expect(found[2] === wanted, `content of ${path}`).toBe(true)
      expect(found.slice(0, 2)).toEqual([expectedMode, mtimeOf(number) * 1000])
    }
    await vi.waitFor(() => expect([workers(), openFiles()]).toEqual([0, before]))
  })

  it('starts no thread for a few files, nor where none are wanted', async () => {
    await extract((extraction) => {
      for (let number = 0; number < 400; number++)
        addFile(extraction, `${number}`, contentOf(number, 100))
      expect(workers()).toBe(0)
    })
    const tree = openTreeRoot(fromText(await tempDir()))
    const extraction = createExtraction(tree, () => undefined)
    for (let number = 0; number < 700; number++)
      addFile(extraction, `${number}`, contentOf(number, 100))
    expect(workers()).toBe(0)
    extraction.close()
    tree.close()
  })

  it('leaves to this thread links, attributes, holes and what replaces a file', async () => {
    const directory = await extract((extraction) => {
      for (let number = 0; number < 1500; number++) {
        addFile(extraction, `f${number}`, contentOf(number, 3000))
        if (number % 3 === 0) {
          const link = {path: `l${number}`, target: `f${number}`, mode: 0, mtime: 0, ...owner}
          extraction.add({kind: 'hardlink', ...link})
          extraction.endEntry()
        }
        if (number % 4 === 0) addFile(extraction, `f${number}`, contentOf(-number, 10))
        if (number % 10 === 0) {
          const sparse = {path: `s${number}`, size: 9000, mode: 0o600, mtime: 2, ...owner}
          extraction.add({kind: 'file', ...sparse})
          extraction.skip(8000)
          extraction.write(contentOf(number, 1000))
          extraction.endEntry()
        }
      }
    })
    for (let number = 0; number < 1500; number++) {
      const isReplaced = number % 4 === 0
      const now = isReplaced ? contentOf(-number, 10) : contentOf(number, 3000)
      expect(readFileSync(join(directory, `f${number}`)).equals(now)).toBe(true)
      if (number % 3 === 0) {
        const linked = join(directory, `l${number}`)
        expect(readFileSync(linked).equals(contentOf(number, 3000))).toBe(true)
        expect(lstatSync(linked)).toMatchObject({nlink: isReplaced ? 1 : 2, mtimeMs: 1000})
      }
      if (number % 10 === 0) {
        const all = Buffer.concat([Buffer.alloc(8000), contentOf(number, 1000)])
        expect(readFileSync(join(directory, `s${number}`)).equals(all)).toBe(true)
      }
    }
  })

  it('names the file that could not be written, whatever came behind it', async () => {
    const folder = await tempDir()
    const thread = start()
    const taken = (path: string) => thread.take({path, size: 5, mode: 0o600, mtime: 0})
    const give = (path: string, descriptor: number): void => {
      const content = taken(path)
      content?.write(Buffer.from('12345'))
      content?.handOver(descriptor)
    }
    give('good', openSync(join(folder, 'good'), 'w'))
    writeSync(openSync(join(folder, 'read-only'), 'w'), 'x')
    give('read\u00ff-only', openSync(join(folder, 'read-only'), 'r'))
    give('behind', openSync(join(folder, 'behind'), 'w'))
    await expect(thread.settle()).rejects.toMatchObject({
      name: 'LocalIoError',
      message: expect.stringMatching(/^cannot write .*read.*-only.*EBADF/) as string,
    })
    expect(() => thread.settleNow()).toThrow('cannot write')
    expect(() => taken('next')).toThrow('cannot write')
    expect(readFileSync(join(folder, 'good'), 'utf8')).toBe('12345')
  })

  it('closes the files that are left when it is no longer wanted', async () => {
    const folder = await tempDir()
    const before = openFiles()
    const thread = start()
    let count = 0
    for (; count < 100; count++) {
      const path = String(count)
      const content = thread.take({path, size: 60_000, mode: 0o600, mtime: 0})
      if (!content) break
      content.write(Buffer.alloc(60_000, 1))
      content.handOver(openSync(join(folder, path), 'w'))
    }
    // the room is less than they would take, and the thread has hardly begun
    expect(count).toBeGreaterThan(20)
    thread.close()
    await vi.waitFor(() => expect([workers(), openFiles()]).toEqual([0, before]))
  })

  it('takes no more content than was told', () => {
    const content = start().take({path: 'x', size: 3, mode: 0o600, mtime: 0})
    expect(() => content?.write(Buffer.alloc(4))).toThrow(RangeError)
    expect(() => content?.skip(4)).toThrow(RangeError)
  })

  it('is settled before anyone looks at the files', async () => {
    const folder = await tempDir()
    const thread = start()
    for (let number = 0; number < 300; number++) {
      const content = thread.take({path: String(number), size: 9, mode: 0o640, mtime: 3})
      if (!content) {
        thread.settleNow()
        continue
      }
      content.skip(9)
      content.handOver(openSync(join(folder, String(number)), 'w'))
    }
    thread.settleNow()
    for (const name of readdirSync(folder))
      expect(statSync(join(folder, name))).toMatchObject({size: 9, mtimeMs: 3000})
    // a name may go while its file is being written
    const [one = ''] = readdirSync(folder)
    linkSync(join(folder, one), join(folder, 'other'))
    unlinkSync(join(folder, one))
  })

  it.runIf(mayMount())('says when the file system is full (root)', async () => {
    const mounted = join(await tempDir(), 'mounted')
    mkdirSync(mounted)
    execaSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'none', mounted])
    onTestFinished(() => void execaSync('umount', ['-l', mounted]))
    const before = openFiles()
    await expect(
      extract((extraction) => {
        for (let number = 0; number < 2000; number++)
          addFile(extraction, `file-${number}`, contentOf(number, 20_000))
      }, mounted),
    ).rejects.toMatchObject({
      name: 'LocalIoError',
      message: expect.stringMatching(/^cannot write .*file-\d+.*ENOSPC/) as string,
    })
    await vi.waitFor(() => expect(openFiles()).toBe(before))
  })
})
