import prettyBytes from 'pretty-bytes'
import type {PlatformStatus} from '../../../operations/follow/status-of-image.js'
import type {ImageStatus, StatusResult} from '../../../operations/status.js'
import {count} from '../text/count.js'
import {plainText} from '../text/escape.js'

/** The columns of the table. */
export const statusHeads = ['IMAGE', 'PLATFORM', 'SLOTS', 'STATE', 'VENDOR', 'NOTES'] as const

/** The state of what was compared with something and equals it. */
export const upToDate = 'up to date'

/** The state of an image of slots alone, when there is nothing to compare it with. */
export const noVendor = 'no vendor'

const carriers: Readonly<Record<ImageStatus['referrers'][number]['of'], string>> = {
  image: 'this image has',
  'vendor before': "the vendor's old image has",
  'vendor now': "the vendor's new image has",
}

const onlySlots = "it has nothing but slots, so there is no vendor's image to compare it with"

type Shown = Pick<StatusResult, 'images' | 'changed'>

/** A table: one row for each platform of each image. */
export function renderStatus({images}: Shown): string {
  const rows = [statusHeads, ...statusRows(images)]
  const widths = statusHeads.map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)))
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** The same in Markdown. */
export function renderStatusMarkdown({images}: Shown): string {
  const rows = statusRows(images).map((row) => row.map(escapedCell))
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(statusHeads), line(statusHeads.map(() => '---')), ...rows.map(line)].join('\n')
}

/** One row for each platform of each image, cell by cell, safe to show. */
export function statusRows(images: StatusResult['images']): readonly (readonly string[])[] {
  return images.flatMap(rowsOf)
}

function rowsOf(image: ImageStatus): string[][] {
  const {reference, error, platforms} = image
  if (error) return [[reference, '', '', 'unknown', '', reasonOf(error)].map(plainText)]
  const rows = platforms.length > 0 ? platforms : [undefined]
  return rows.map((each, at) => rowOf(image, each, at === 0)).map((row) => row.map(plainText))
}

function reasonOf({code, message, hint}: NonNullable<ImageStatus['error']>): string {
  return hint === undefined ? `${message} (${code})` : `${message} (${code}): ${hint}`
}

function rowOf(image: ImageStatus, platform: PlatformStatus | undefined, isFirst: boolean) {
  const {reference, vendor, referrers, grafts} = image
  const differs = differsIn(image, platform)
  const notes = [
    platform ? movedBy(platform) : '',
    ...(platform?.merged ?? []).flatMap(mergedNote),
    differs === true ? 'the slot differs from the directory' : '',
    stateOf(image, platform) === noVendor ? onlySlots : '',
    ...(isFirst ? grafts.filter((each) => each.moved).map(graftMoved) : []),
    ...(isFirst ? referrers.map(({of, kinds}) => `${carriers[of]} ${kinds.join(', ')}`) : []),
  ]
  return [
    reference,
    platform?.platform ?? '',
    platform?.slots?.map(({name, path}) => `${name} -> ${path}`).join(', ') ?? '',
    stateOf(image, platform),
    vendor ?? '',
    notes.filter(Boolean).join('; '),
  ]
}

function stateOf(image: ImageStatus, platform: PlatformStatus | undefined): string {
  if (platform && platform.state !== 'same') return platform.state
  if (image.grafts.some(({moved}) => moved)) return 'moved'
  if (differsIn(image, platform) === true) return 'differs'
  return isComparable(image, platform) ? upToDate : noVendor
}

/** With a vendor's image, with images that content was taken from, or with a directory. */
function isComparable(image: ImageStatus, platform: PlatformStatus | undefined): boolean {
  const {vendor, grafts} = image
  const isFollowing = vendor !== null || grafts.some(({image: from}) => from !== null)
  return isFollowing || differsIn(image, platform) !== null
}

function differsIn({differs}: ImageStatus, platform: PlatformStatus | undefined) {
  return platform ? platform.differs : differs
}

function graftMoved({slot, image, from, to}: ImageStatus['grafts'][number]): string {
  return `slot ${slot} is from ${image ?? '?'}, ${short(from)} -> ${short(to)}`
}

function movedBy({from, to, layers, since}: PlatformStatus): string {
  if (!layers) return ''
  const kept = `${count(layers.kept, 'layer')} kept, ${layers.changed} new (${prettyBytes(layers.bytes)})`
  return `${short(from)} -> ${short(to)}, ${kept}${since === null ? '' : `, of ${since}`}`
}

function mergedNote({path, state}: NonNullable<PlatformStatus['merged']>[number]): string[] {
  if (state === 'same') return []
  return [state === 'moved' ? `${path} has changed` : `whether ${path} has changed is not known`]
}

function short(digest: string | null): string {
  return digest === null ? '?' : digest.slice(0, 'sha256:'.length + 12)
}

function escapedCell(text: string): string {
  return text.replaceAll(/[\\|`*_<>[\]]/g, (character) => `\\${character}`)
}
