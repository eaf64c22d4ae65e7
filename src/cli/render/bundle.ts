import prettyBytes from 'pretty-bytes'
import type {LoadReceipt} from '../../operations/bundle/load-bundle.js'
import {type HaveResult, haveText} from '../../operations/bundle/have.js'
import type {SaveBundleResult} from '../../operations/bundle/save-bundle.js'
import type {ProgressEvent} from '../../ports.js'
import {count} from './text/count.js'

/** A line for each image, where standard output is not the bundle itself. */
export const shownBundle = {
  line: ({file, images}: SaveBundleResult) =>
    file === null ? undefined : images.map(({reference}) => reference).join('\n'),
  summary: ({file, bundle, images, contained, needed}: SaveBundleResult): ProgressEvent => {
    const parts = [
      `${count(images.length, 'image')} saved to ${file ?? 'standard output'} as bundle ${bundle}`,
      `${count(contained.blobs, 'blob')} in it (${prettyBytes(contained.bytes)})`,
      ...(needed.blobs === 0
        ? []
        : [`${needed.blobs} left out (${prettyBytes(needed.bytes)}), which the other side has`]),
    ]
    return {kind: 'notice', message: parts.join('; ')}
  },
  cost: ({contained, needed}: SaveBundleResult) => ({told: contained.bytes, saved: needed.bytes}),
}

/** The list itself, and how long it is. */
export const shownHave = {
  line: haveText,
  summary: ({place, digests}: HaveResult): ProgressEvent => ({
    kind: 'notice',
    message: `${place} has ${count(digests.length, 'blob')}`,
  }),
}

/** The receipt: a line for each image. */
export const shownReceipt = {
  line: ({images, dryRun}: LoadReceipt) =>
    dryRun ? undefined : images.map(({reference}) => reference).join('\n'),
  summary: ({bundle, to, images, blobs, dryRun}: LoadReceipt): ProgressEvent => {
    const moved = images.reduce((sum, image) => sum + image.moved.length, 0)
    const would = dryRun ? 'would be ' : ''
    const parts = [
      `bundle ${bundle} ${would}loaded into ${to}: ${count(images.length, 'image')}, ${count(moved, 'tag')} ${would}moved`,
      `${count(blobs.copied, 'blob')} ${would}taken from it (${prettyBytes(blobs.bytes)})`,
      ...(blobs.mounted === 0 ? [] : [`${blobs.mounted} from other repositories`]),
      `${blobs.present} there already`,
    ]
    return {kind: 'notice', message: parts.join('; ')}
  },
  cost: ({blobs, dryRun}: LoadReceipt) =>
    dryRun ? undefined : {told: blobs.bytes, saved: blobs.saved},
}
