import prettyBytes from 'pretty-bytes'
import {formatPlatform} from '../../../oci/platform.js'
import type {ConfigChange} from '../../../operations/compare/compare-configs.js'
import type {
  ComparedSide,
  DiffResult,
  PlatformDiff,
} from '../../../operations/compare/diff-result.js'
import type {PairDrawing} from '../../../operations/compare/draw-diff.js'
import {
  drawingWidth,
  pageDocument,
  type Panel,
  svgDocument,
  textPanel,
} from '../../../picture/document.js'
import {comparedFigure, countOf, legend, legendPanel, names} from '../../../picture/figures.js'
import {html, type Html} from '../../../picture/html.js'
import {type DrawnLayer, layerShapes, layersToScale} from '../../../picture/layers.js'
import {table} from '../../../picture/table.js'
import {clipped, none, size} from '../../../picture/text.js'
import {treemap} from '../../../picture/treemap.js'
import {countsLine, pullLine} from '../diff/diff-lines.js'
import {copyable, facts} from './facts.js'
import {largestChanges} from './largest-changes.js'
import {stripPanel} from './inspect.js'

/** What differs, old and new side by side, as a page. */
export function diffPage(result: DiffResult, pairs: readonly PairDrawing[]): string {
  const {first, second, index} = result
  const images = drawnImages(result, pairs)
  const drawn = images.filter(({pair}) => pair).length
  const body = html`${facts([
    ['Before', copyable(shownSide(first))],
    ['After', copyable(shownSide(second))],
  ])}
  ${result.differs ? undefined : html`<p>No difference.</p>`}
  ${index.length === 0 ? undefined : changesTable(index, 'Of the index')}
  ${images.map((image) => imagePart(image, 2 * drawn))}`
  return pageDocument({title: titleOf(result), body})
}

/** The same as one drawing. */
export function diffDrawing(result: DiffResult, pairs: readonly PairDrawing[]): string {
  const {first, second} = result
  const panels = [
    textPanel([titleOf(result), `before: ${shownSide(first)}`, `after: ${shownSide(second)}`]),
    ...drawnImages(result, pairs).slice(0, mostDrawn).flatMap(imagePanels),
  ]
  return svgDocument({title: titleOf(result), panels})
}

const mostDrawn = 8
const mostImages = 50
const mostMembers = 100

interface DrawnImage {
  readonly image: PlatformDiff
  /** Only an image that both sides have was compared. */
  readonly pair: PairDrawing | undefined
}

function drawnImages({images}: DiffResult, pairs: readonly PairDrawing[]): DrawnImage[] {
  const left = [...pairs]
  return images.slice(0, mostImages).map((image) => ({
    image,
    pair: image.status === 'added' || image.status === 'removed' ? undefined : left.shift(),
  }))
}

function titleOf({first, second}: DiffResult): string {
  const [one, other] = [first, second].map(({name}) => name.replace(/@sha\d+:.*$/, ''))
  return one === other ? `Changes of ${one}` : `${one} and ${other}`
}

function shownSide({name, slot}: ComparedSide): string {
  return slot === null ? name : `${name}#${slot}`
}

function headOf({platform, status}: PlatformDiff): string {
  return platform ? `${formatPlatform(platform)}: ${status}` : status
}

function imagePart({image, pair}: DrawnImage, of: number): Html {
  const {files, pull, config} = image
  return html`<section>
    <h2>${headOf(image)}</h2>
    ${facts([
      ['Files', html`${countsLine(files)}`],
      ['Pull', pull ? html`${pullLine(pull)}` : undefined],
    ])}
    ${pair?.layers && strips(pair.layers)} ${pair && sides(pair, of)}
    ${config.length === 0 ? undefined : changesTable(config, 'Besides the files')}
  </section>`
}

/** Both to the same scale. */
function strips(layers: NonNullable<PairDrawing['layers']>): Html {
  const rows = scaledLayers(layers).map(
    ({name, layers: side, bytes}) =>
      html`<figure>
        <figcaption class="quiet">${name}: ${side.length} layers, ${prettyBytes(bytes)}</figcaption>
        <svg class="strip" aria-hidden="true">${layerShapes(side)}</svg>
      </figure>`,
  )
  return html`<h3>Layers</h3>
    ${legend(['kept', 'removed', 'added'])}${rows}`
}

function scaledLayers({first, second}: NonNullable<PairDrawing['layers']>) {
  const bytesOf = (layers: readonly DrawnLayer[]) =>
    layers.reduce((sum, layer) => sum + layer.size, 0)
  const most = Math.max(bytesOf(first), bytesOf(second))
  return [
    {name: 'Before', layers: layersToScale(first, most), bytes: bytesOf(first)},
    {name: 'After', layers: layersToScale(second, most), bytes: bytesOf(second)},
  ]
}

function sides(pair: PairDrawing, of: number): Html {
  const {before, after} = pair
  if (before.root.files + after.root.files === 0) return html``
  const most = Math.max(1, before.root.bytes, after.root.bytes)
  const share = (bytes: number) => ({of, share: bytes / most})
  return html`<h3>Files that come, go, or have other content</h3>
    ${legend(['removed', 'changed', 'added'])}
    <div class="sides">
      ${comparedFigure(before, 'Before', share(before.root.bytes))}
      ${comparedFigure(after, 'After', share(after.root.bytes))}
    </div>
    ${largestRows(pair)}`
}

function largestRows(pair: PairDrawing): Html {
  const rows = largestChanges(pair).map(({path, mark, before, after}) => [
    html`<code>${clipped(path)}</code>`,
    html`${mark && names[mark]}`,
    before === undefined ? none : size(before),
    after === undefined ? none : size(after),
  ])
  if (rows.length === 0) return html``
  return table(
    'The largest of them',
    [
      {title: 'Path'},
      {title: 'Change', look: 'brief'},
      {title: 'Before', look: 'number'},
      {title: 'After', look: 'number'},
    ],
    rows,
  )
}

function changesTable(changes: readonly ConfigChange[], caption: string): Html {
  const shown = changes.slice(0, mostMembers)
  const rows = shown.map(({member, before, after}) => [
    html`<code>${clipped(member)}</code>`,
    valueOf(before),
    valueOf(after),
  ])
  const counted =
    shown.length < changes.length ? `${caption}: ${shown.length} of ${changes.length}` : caption
  return table(counted, [{title: 'Member'}, {title: 'Before'}, {title: 'After'}], rows)
}

function valueOf(value: unknown): Html {
  return value === undefined ? none : html`<code>${clipped(JSON.stringify(value))}</code>`
}

function imagePanels({image, pair}: DrawnImage): Panel[] {
  const {files, pull} = image
  const text = textPanel([
    headOf(image),
    countsLine(files),
    ...(pull ? [`pull ${pullLine(pull)}`] : []),
  ])
  const layers = pair?.layers ? scaledLayers(pair.layers) : []
  const stripped = layers.flatMap(({name, layers: side, bytes}) => [
    textPanel([`${name}: ${side.length} layers, ${prettyBytes(bytes)}`]),
    stripPanel(layerShapes(side)),
  ])
  return [
    text,
    legendPanel(['kept', 'removed', 'changed', 'added']),
    ...stripped,
    ...(pair ? [sidesPanel(pair)] : []),
  ]
}

function sidesPanel({before, after}: PairDrawing): Panel {
  const most = Math.max(1, before.root.bytes, after.root.bytes)
  const width = drawingWidth / 2 - 10
  const side = (tree: PairDrawing['before'], name: string, x: number): Html => {
    const height = Math.max(24, Math.round((420 * tree.root.bytes) / most))
    const drawn = treemap(tree.root, {x: 0, y: 0, width, height}, 90_000)
    return html`<text class="soft" x="${x}" y="14">${name}: ${countOf(tree)}</text>
      <svg class="map" x="${x}" y="24" width="${width}" height="${height}">${drawn}</svg>`
  }
  const body = html`${side(before, 'before', 0)}${side(after, 'after', width + 20)}`
  return {height: most === 1 ? 44 : 444, body}
}
