import {formatPlatform} from '../../../oci/platform.js'
import type {
  ComparedSide,
  DiffResult,
  PlatformDiff,
} from '../../../operations/compare/diff-result.js'
import type {ProgressEvent} from '../../../ports.js'
import {count} from '../text/count.js'
import {configLines, countsLine, imageLines, pullLine} from './diff-lines.js'
import {escapedLine} from '../text/escape.js'

/** A difference as text; `undefined` if there is none. */
export function renderDiff(result: DiffResult): string | undefined {
  if (!result.differs) return undefined
  const {first, second, images, index} = result
  const isOne = images.length === 1
  return [
    `--- ${shownSide(first)}`,
    `+++ ${shownSide(second)}`,
    ...index.flatMap(configLines),
    ...images.flatMap((image) => [
      ...(isOne || !image.platform
        ? []
        : [`@@ ${formatPlatform(image.platform)}: ${image.status}`]),
      ...linesOf(image),
    ]),
  ].join('\n')
}

function linesOf(image: PlatformDiff): string[] {
  const {directoryTimes, pull, status} = image
  const cost = pull && (status === 'changed' || status === 'added')
  return [
    ...imageLines(image),
    ...(directoryTimes > 0 ? [`~ time of ${count(directoryTimes, 'directory')}`] : []),
    ...(cost ? [`pull ${pullLine(pull)}`] : []),
  ]
}

/** In numbers only. */
export function renderStat(result: DiffResult): string {
  return result.images
    .flatMap((image) => {
      const {platform, status, files, config, pull} = image
      const name = platform && result.images.length > 1 ? `${formatPlatform(platform)}  ` : ''
      const members = config.length === 0 ? '' : `; ${config.length} of the config`
      return [
        `${name}${status}: ${countsLine(files)}${members}`,
        ...(pull ? [`${name}pull ${pullLine(pull)}`] : []),
      ]
    })
    .join('\n')
}

/** The same in a sentence, for stderr. */
export function summariseDiff({differs, images}: DiffResult): ProgressEvent {
  const changed = images.filter(({status}) => status !== 'same').length
  const [only] = images
  const many = `${changed} of ${images.length} images differ`
  const one = only ? countsLine(only.files) : ''
  const message = !differs ? 'no difference' : images.length === 1 ? one : many
  return {kind: 'notice', message}
}

/** The name of a side, with its slot. */
export function shownSide({name, slot}: ComparedSide): string {
  return escapedLine(slot === null ? name : `${name} (slot ${slot})`)
}
