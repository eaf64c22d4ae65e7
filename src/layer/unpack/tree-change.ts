import {createHash} from 'node:crypto'
import {closeSync, fsyncSync, lstatSync, openSync, readFileSync, writeFileSync} from 'node:fs'
import * as v from 'valibot'
import {parseJsonValue} from '../../oci/json-value.js'
import type {TreeRoot} from './folders/tree-root.js'

/**
 * What makes a directory another version of it. All paths are relative to the directory; made once
 * more from the start, it comes to the same.
 */
export type TreeChange = v.InferOutput<typeof shape>

/** What a directory is to be like in the end; its time in seconds since the epoch. */
export type FolderChange = TreeChange['folders'][number]

/** One that stays in the directory: names, and no way up. */
const path = v.pipe(v.string(), v.check(isInside))
const folderPath = v.union([v.literal(''), path])
const number = v.pipe(v.number(), v.safeInteger())
const shape = v.object({
  version: v.literal(1),
  /** The directory itself: its name while it is changed, device and inode. */
  aside: v.string(),
  identity: v.string(),
  /** Files and links that go, except those that others replace. */
  removed: v.array(path),
  /** Directories that go, the inner ones first. */
  gone: v.array(path),
  /** Directories that come, the outer ones first. */
  made: v.array(path),
  /** Files and links that come, with where they are in the work folder and their inode. */
  put: v.array(v.tuple([path, path, v.string()])),
  /** Directories that come, or whose content or description changes; the inner ones first. */
  folders: v.array(
    v.object({path: folderPath, mode: number, uid: number, gid: number, mtime: number}),
  ),
})

/** What a work folder has the change under, and the most bytes of it. */
const fileName = 'change'
const longest = 512 * 1024 * 1024

/** Writes the change that a work folder is for, so that a crash leaves all of it or none. */
export function writeChange(work: TreeRoot, change: TreeChange): void {
  const text = JSON.stringify(change)
  const descriptor = openSync(work.at(fileName), 'wx', 0o600)
  try {
    writeFileSync(descriptor, `${checksum(text)}\n${text}`)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  fsyncSync(work.descriptor)
}

/** The change that a work folder is for; `undefined` if its list is missing or not whole. */
export function readChange(work: TreeRoot): TreeChange | undefined {
  const stat = lstatSync(work.at(fileName), {throwIfNoEntry: false})
  if (stat?.isFile() !== true || stat.size > longest) return undefined
  const [sum, text = ''] = readFileSync(work.at(fileName), 'utf8').split('\n')
  if (sum !== checksum(text)) return undefined
  const found = v.safeParse(shape, parseJsonValue(text))
  return found.success ? found.output : undefined
}

function isInside(text: string): boolean {
  return text.split('/').every((name) => !['', '.', '..'].includes(name) && !name.includes('\0'))
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
