import prettyBytes from 'pretty-bytes'
import type {Origin} from '../../image/follow/origin.js'
import {formatPlatform} from '../../oci/platform.js'
import type {InspectIndexResult, InspectResult} from '../../operations/inspect.js'
import {plainText} from './text/escape.js'

const barWidth = 24

/** An image in full, or an index as a list of its images. */
export function renderInspect(result: InspectResult | InspectIndexResult): string {
  return 'images' in result ? renderIndex(result) : renderImage(result)
}

function renderIndex({reference, images, artifacts, origin}: InspectIndexResult): string {
  const names = images.map(({platform}) => formatPlatform(platform))
  const marks = artifacts.length > 0 ? ['artifact'] : []
  const width = Math.max(0, ...[...names, ...marks].map((name) => name.length))
  const rows = images.map(({digest, size, slots}, at) => {
    const places = slots.map(({name, path}) => `${name} -> ${path}`).join(', ')
    return `${(names[at] ?? '').padEnd(width)}  ${prettyBytes(size).padStart(8)}  ${digest}  ${places || 'no slot'}`
  })
  const count = `${images.length} ${images.length === 1 ? 'image' : 'images'}`
  const others = artifacts.map(({digest, size}) => {
    return `${'artifact'.padEnd(width)}  ${prettyBytes(size).padStart(8)}  ${digest}`
  })
  return [`${reference}  index of ${count}`, ...rows, ...others, ...renderOrigin(origin)]
    .map(printable)
    .join('\n')
}

/**
 * The image as a table: one line a layer, drawn to scale, slots marked with `>`. Image text is
 * shown without control characters.
 */
function renderImage(result: InspectResult): string {
  const {reference, platform, layers, slots, size, origin} = result
  const largest = Math.max(1, ...layers.map((layer) => layer.size))
  const width = String(layers.length).length
  const rows = layers.map((layer, index) => {
    const mark = layer.slot === undefined ? ' ' : '>'
    const made =
      layer.slot === undefined ? (layer.createdBy ?? '') : `inject: ${layer.slot} (replaceable)`
    return `${mark}${String(index + 1).padStart(width)}  ${bar(layer.size / largest)}  ${prettyBytes(layer.size).padStart(8)}  ${clip(made)}${layer.lazy ? `  lazily pullable (${layer.lazy})` : ''}`
  })
  const places = slots.map(
    ({name, path, ...slot}) => `slot ${name} -> ${path}  ${contentOfSlot(slot)}`,
  )
  return [
    `${reference}  ${formatPlatform(platform)}  ${layers.length} ${layers.length === 1 ? 'layer' : 'layers'}  ${prettyBytes(size)}`,
    ...rows,
    ...(places.length > 0 ? places : ['no slot: inject setup adds one']),
    ...renderOrigin(origin),
  ]
    .map(printable)
    .join('\n')
}

/** The image that this one was made from; no line if nothing is recorded. */
function renderOrigin({name, digest}: Origin): string[] {
  const recorded = [name, digest].filter((each) => each !== undefined)
  return recorded.length === 0 ? [] : [`made from ${recorded.join('@')}`]
}

/** What a slot holds: its diff ID, or how it is divided. */
function contentOfSlot({
  diffId,
  layers,
  sharding,
}: Pick<InspectResult['slots'][number], 'diffId' | 'layers' | 'sharding'>): string {
  return layers.length === 1 ? diffId : `${layers.length} layers (--layers ${sharding})`
}

function bar(share: number): string {
  return '█'.repeat(Math.max(1, Math.round(share * barWidth))).padEnd(barWidth, '░')
}

function clip(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}

/** Image text is untrusted: nothing of it may steer the terminal. */
function printable(line: string): string {
  return plainText(line)
}
/**
 * Name, place, diff ID (or how it is divided); of an index each with its platform. `undefined` when
 * there are none.
 */
export function renderSlots(result: InspectResult | InspectIndexResult): string | undefined {
  const lines =
    'images' in result
      ? result.images.flatMap((image) =>
          linesOf(image).map((line) => `${formatPlatform(image.platform)}  ${line}`),
        )
      : linesOf(result)
  return lines.length === 0 ? undefined : lines.join('\n')
}
function linesOf({slots}: Pick<InspectResult, 'slots'>): string[] {
  return slots.map(({name, path, ...slot}) => `${name}  ${path}  ${contentOfSlot(slot)}`)
}
