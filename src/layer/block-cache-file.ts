import {createHash} from 'node:crypto'
import {closeSync, openSync, readdirSync, readSync, renameSync, rmSync, statSync, utimesSync, writeSync} from 'node:fs'
import {join} from 'node:path'
import {clearDead, ownedName} from '../disk/owned-name.js'
import {privateFolder} from '../disk/private-folder.js'
import type {BlockCache} from './block-cache.js'
import {encodeBlockIndex, readBlockIndex, type KnownBlock} from './block-index.js'

export interface BlockCacheOptions {
  /** Where the files are; made when it is not there. */
  readonly folder: string
  /** What is packed: each such thing has one file, with the blocks of its last run. */
  readonly identity: readonly string[]
  /** Bytes of all files together, at most. */
  readonly limit: number
  readonly onNotice: (text: string) => void
}
