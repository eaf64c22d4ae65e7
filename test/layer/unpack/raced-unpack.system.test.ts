import {execa} from 'execa'
import {chown, lchown, mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, it} from 'vitest'
import {fromText} from '../../../src/layer/byte-string.js'
import {fillDirectory} from '../../../src/layer/unpack/fill-directory.js'
import {openFolder} from '../../../src/layer/unpack/folders/open-folder.js'
import {removeIn} from '../../../src/layer/unpack/folders/remove-deep.js'
import {InjectError} from '../../../src/errors.js'
import {otherUser} from '../../disk/as-other-user.js'
import {tempDir} from '../../support/temp-dir.js'
import {treeSnapshot} from '../../support/tree-snapshot.js'
import {errnoOf} from '../../../src/disk/local-io-error.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const metadata = {mode: 0o644, uid: 0, gid: 0, mtime: 5, xattrs: undefined}

/**
 * `work` again and again while another user swaps `folder` for a symlink to `victim`, at least
 * 2,500 times.
 */
async function whileFlipped(
  folder: string,
  victim: string,
  work: (round: number) => Promise<void>,
): Promise<number> {
  const script = join(root, 'test/support/flip.ts')
  const child = execa('node', ['--import', 'tsx', script, folder, victim, '2500'], {
    cwd: root,
    uid: otherUser,
    gid: otherUser,
    env: {TSX_DISABLE_CACHE: '1'},
    reject: false,
    timeout: 60_000,
  })
  let said = ''
  child.stdout.on('data', (text: Buffer) => (said += text.toString()))
  while (!said.includes('ready')) await new Promise((resolve) => setTimeout(resolve, 10))
  let rounds = 0
  try {
    for (; !said.includes('done') || rounds < 20; rounds++) {
      await work(rounds).catch((error: unknown) => {
        // that somebody interferes may be an error, as long as it is one that we foresaw
        if (!(error instanceof InjectError) && errnoOf(error) === undefined) throw error
      })
      await new Promise((resolve) => setImmediate(resolve))
    }
  } finally {
    child.kill('SIGKILL')
    await child
  }
  return rounds
}

/** A folder of the other user's with `out/sub` in it, and one beside it that nobody may touch. */
async function arena(): Promise<{theirs: string; out: string; victim: string}> {
  const around = await tempDir()
  const [theirs, victim] = [join(around, 'theirs'), join(around, 'victim')]
  await mkdir(join(theirs, 'out/sub'), {recursive: true})
  await mkdir(join(victim, 'sub'), {recursive: true})
  for (const name of ['old', 'precious', 'sub/deep']) {
    await writeFile(join(victim, name), 'x')
  }
  for (const path of [theirs, join(theirs, 'out'), join(theirs, 'out/sub')]) {
    await chown(path, otherUser, otherUser)
  }
  await lchown(theirs, otherUser, otherUser)
  const {chmod} = await import('node:fs/promises')
  await chmod(around, 0o711)
  return {theirs, out: join(theirs, 'out'), victim}
}

async function fill(directory: string): Promise<void> {
  await fillDirectory({directory, force: true}, async (extraction) => {
    for (const path of ['old', 'sub/deep', 'new']) {
      extraction.add({kind: 'file', path, size: 1, ...metadata})
      extraction.write(Buffer.from('y'))
      extraction.endEntry()
      await new Promise((resolve) => setImmediate(resolve))
    }
    return {result: undefined, root: {...metadata, path: '', mode: 0o777, uid: otherUser}}
  })
}

describe.skipIf(process.getuid?.() !== 0)(
  'A1 T-10 T-16 T-17 root works where another user swaps folders for symlinks, 10,000 times in all',
  () => {
    it.each(['the directory', 'the folder that it is in'])(
      'a directory that is replaced: %s is swapped',
      async (what) => {
        const {theirs, out, victim} = await arena()
        const before = treeSnapshot(victim, {identity: true})
        const flipped = what === 'the directory' ? out : theirs
        // the folder above must be theirs for that
        if (flipped === theirs) await chown(join(theirs, '..'), otherUser, otherUser)
        await whileFlipped(flipped, victim, () => fill(out))
        expect(treeSnapshot(victim, {identity: true})).toEqual(before)
      },
      60_000,
    )

    it('a directory that is refilled, because it is the current one', async () => {
      const {out, victim} = await arena()
      const before = treeSnapshot(victim, {identity: true})
      const cwd = process.cwd()
      process.chdir(out)
      try {
        await whileFlipped(out, victim, () => fill('.'))
      } finally {
        process.chdir(cwd)
      }
      expect(treeSnapshot(victim, {identity: true})).toEqual(before)
    }, 60_000)

    it('a tree that is removed', async () => {
      const {theirs, out, victim} = await arena()
      const before = treeSnapshot(victim, {identity: true})
      await whileFlipped(join(out, 'sub'), victim, async () => {
        await mkdir(join(out, 'sub'), {recursive: true}).catch(() => undefined)
        await chown(out, otherUser, otherUser).catch(() => undefined)
        const around = openFolder(fromText(theirs))
        try {
          await removeIn(around, 'out')
        } finally {
          around.close()
        }
      })
      expect(treeSnapshot(victim, {identity: true})).toEqual(before)
    }, 60_000)
  },
)
