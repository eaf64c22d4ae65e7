import {html, type Html} from './html.js'
import {type DrawnLayer, layerBar, type ScaledLayer} from './layers.js'
import {table} from './table.js'
import {clipped, none, size} from './text.js'

/** A layer with what a table has of it. */
export interface TableLayer extends DrawnLayer {
  readonly digest: string
  /** What made it, from the image's history. */
  readonly createdBy: string | undefined
}

/** Layers with bars to scale, their slots and what made them. */
export function layerTable(caption: string, layers: readonly ScaledLayer<TableLayer>[]): Html {
  const rows = layers.map((layer) => [
    html`${layer.number}`,
    html`${layerBar(layer)}${layer.slots.slice(0, mostSlots).map((name) => html` ${slotBadge(name)}`)}
      <data class="quiet" value="${layer.size}">${layer.percent}</data>`,
    size(layer.size),
    html`${layer.createdBy === undefined ? none : clipped(layer.createdBy)}<br />
      <code class="quiet copy">${layer.digest}</code>`,
  ])
  return table(`${caption}; bars are to scale`, columns, rows)
}

const mostSlots = 100

const columns = [
  {title: 'Layer', look: 'number'},
  {title: 'Share', look: 'bars'},
  {title: 'Size', look: 'number'},
  {title: 'Made by, digest'},
] as const

export function slotBadge(name: string): Html {
  return html`<span class="badge">slot ${name}</span>`
}
