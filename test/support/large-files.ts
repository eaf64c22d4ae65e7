import {mkdirSync, utimesSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {tempDir} from './temp-dir.js'

/** A time of all files at first. */
export const oldTime = new Date('2024-01-01T00:00:00Z')

/** A tree of so many files of so many bytes, each filled with its number, and what writes one. */
export async function treeOfLargeFiles(count: number, size: number) {
  const tree = join(await tempDir(), 'tree')
  mkdirSync(tree)
  const write = (name: string, fill: string, time: Date): void => {
    writeFileSync(join(tree, name), Buffer.alloc(size, fill))
    utimesSync(join(tree, name), time, time)
  }
  for (let i = 0; i < count; i++) write(`file${i}`, String(i), oldTime)
  return {tree, write}
}
