import {prefixOf} from '../../layer/tree/walk.js'
import {PreconditionError, UnsafeContentError} from '../../errors.js'
import type {MergeRule} from '../../image/merge.js'
import {findSlots} from '../../image/slot.js'
import {type ByteString, display, fromText} from '../../layer/byte-string.js'
import {compareInTree, type EntryMerge, mergeEntries} from '../../layer/merge/merge-entries.js'
import {readOurs} from '../../layer/merge/read-ours.js'
import type {Entries, WalkedEntry} from '../../layer/tree/walked-entry.js'
import {digestOf} from '../../oci/digest.js'
import type {SuitableTarget} from '../find/suitable-image.js'
import type {SlotContent} from '../slot/group.js'
import type {FoundFile, LayerFiles} from './layer-files.js'
import {mergeFile, type MergeResult} from './merge-file.js'
import {vendorLayers} from './vendor-layers.js'

export interface MergeOptions {
  readonly files: LayerFiles
  /** Seconds since the epoch: no merged file is newer. */
  readonly created?: number | undefined
  /** Called for files that the content lacks. */
  readonly onMissing: (rule: MergeRule) => void
}

/**
 * The content with files merged by `rules`. Throws
 * `PreconditionError` for an image of Windows, or a file that another slot merges
 * (`ERR_INJECT_MERGE_CONFLICT`), `UnsafeContentError` for two files of one place, and what
 * `LayerFiles`, `readOurs` and `mergeFile` throw.
 */
export async function mergeContent(
  content: SlotContent,
  rules: readonly MergeRule[],
  target: SuitableTarget,
  {files, created, onMissing}: MergeOptions,
): Promise<SlotContent> {
  const {suitable: image, slot} = target
  if (image.config.value.os === 'windows') throw onWindows()
  const below = vendorLayers(image, slot)
  const wanted = new Map<MergeRule, FoundFile>()
  for (const rule of rules) wanted.set(rule, await files.find(below, fromText(rule.path.slice(1))))
  refuseTwice(target, wanted)
  refuseOutside(content, wanted)
  const ours = findOurs(content, wanted)
  const results: MergeResult[] = []
  for (const [rule, vendor] of wanted) {
    const own = ours.get(rule)
    if (!own) onMissing(rule)
    else {
      const part = {bytes: readOurs(own), metadata: own.entry}
      results.push(mergeFile(rule, vendor, part, created))
    }
  }
  const merge: EntryMerge = {
    left: new Set([...ours.values()].map(({entry}) => entry.path)),
    merged: results
      .map(({walked}) => walked)
      .sort((a, b) => compareInTree(a.entry.path, b.entry.path)),
  }
  const changed = (entries: Entries): Entries => {
    return (detail) => mergeEntries(entries(detail), merge)
  }
  const merges = results.map(({record}) => record)
  const key = keyOf(results)
  return {
    ...content,
    key: `${content.key} ${key}`,
    packing: content.packing && [...content.packing, key],
    entries: changed(content.entries),
    content: changed(content.content),
    merges,
  }
}

function keyOf(results: readonly MergeResult[]): string {
  const facts = results.map(({record, walked: {content = new Uint8Array()}}) => {
    return [record, digestOf(content)]
  })
  return digestOf(Buffer.from(JSON.stringify(facts)))
}

/** Our files, where the content has them, or where links of the image moved them to. */
function findOurs(
  {entries}: SlotContent,
  wanted: ReadonlyMap<MergeRule, FoundFile>,
): Map<MergeRule, WalkedEntry> {
  const rules = new Map<ByteString, MergeRule>()
  for (const [rule, {place}] of wanted)
    for (const path of [fromText(rule.path.slice(1)), place]) rules.set(path, rule)
  const found = new Map<MergeRule, WalkedEntry>()
  const others = new Set([...wanted.values()].map(({at}) => at))
  for (const walked of entries('states')) {
    const {path} = walked.entry
    const rule = rules.get(path)
    if (rule && !found.has(rule)) found.set(rule, walked)
    else if (others.has(path)) throw conflict(`${display(`/${path}`)} is in the content, too`)
  }
  return found
}

/** A slot with a path of its own holds nothing outside of it. */
function refuseOutside({path}: SlotContent, wanted: ReadonlyMap<MergeRule, FoundFile>): void {
  const prefix = prefixOf(path)
  for (const [rule, {at}] of wanted) {
    if (at.startsWith(prefix)) continue
    throw new UnsafeContentError(
      'ERR_INJECT_LINK_IN_THE_WAY',
      `${display(fromText(rule.path))} is at ${display(`/${at}`)} in the image, outside of the slot's path ${path}`,
      {hint: 'use --path /, with a directory that has the whole path'},
    )
  }
}

/** Two files of one place, of this slot or of another. */
function refuseTwice(
  {suitable, name}: SuitableTarget,
  wanted: ReadonlyMap<MergeRule, FoundFile>,
): void {
  const places = new Set<ByteString>()
  for (const {at} of wanted.values()) {
    if (places.has(at)) throw conflict(`two paths lead to ${display(`/${at}`)}`)
    places.add(at)
  }
  for (const slot of findSlots(suitable)) {
    if (slot.name === name) continue
    const place = slot.merges.map(({at, path}) => fromText((at ?? path).slice(1)))
    const same = place.find((path) => places.has(path))
    if (same === undefined) continue
    throw new PreconditionError(
      'ERR_INJECT_MERGE_CONFLICT',
      `${display(`/${same}`)} is merged by slot ${slot.name} already`,
      {hint: `put both parts into one slot: inject unpack --name ${slot.name}, then inject update`},
    )
  }
}

function conflict(message: string): UnsafeContentError {
  return new UnsafeContentError(
    'ERR_INJECT_MERGE_CONFLICT',
    `${message}, where a merged file goes`,
    {
      hint: 'leave one of the two out',
    },
  )
}

function onWindows(): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_MERGE_WINDOWS',
    'files of a Windows image cannot be merged',
    {hint: 'choose the other images with --platform'},
  )
}
