import {html, type Html} from '../../picture/html.js'
import {slotBadge} from '../../picture/layer-table.js'
import type {Subject} from './subject.js'
import type {Column} from '../../picture/table.js'
import {clipped, none, shortDigest, size, time} from '../../picture/text.js'
import {faultText, link, pathOf} from './text.js'

/** What a row of a table tells of a manifest, beside its name. */
export const subjectColumns: readonly Column[] = [
  {title: 'What it is'},
  {title: 'Size', look: 'number'},
  {title: 'Created', look: 'brief'},
  {title: 'Digest', look: 'brief'},
]

export function subjectCells(repository: string, subject: Subject | undefined): readonly Html[] {
  if (subject === undefined) return [faultText('it is not there (any more)'), none, none, none]
  const {digest} = subject
  const place =
    digest === undefined
      ? none
      : link(
          pathOf(repository, digest),
          html`<code title="${digest}">${shortDigest(digest)}</code>`,
        )
  switch (subject.kind) {
    case 'unreadable':
      return [faultText(subject.why), none, none, place]
    case 'index':
      return [indexText(subject.children.map(({platform}) => platform)), none, none, place]
    case 'image': {
      const {artifactType, platform, slots, fault, created} = subject
      const badges = slots.slice(0, mostBadges).map(({name}) => html` ${slotBadge(name)}`)
      const what =
        artifactType === undefined
          ? html`${platform ?? 'image'}${badges}`
          : html`artifact: ${clipped(artifactType)}`
      const wrong = fault === undefined ? undefined : html` ${faultText(fault)}`
      return [html`${what}${wrong}`, size(subject.size), time(created), place]
    }
  }
}

const mostBadges = 8
const mostPlatforms = 8

function indexText(platforms: readonly (string | undefined)[]): Html {
  const shown = platforms.slice(0, mostPlatforms).map((platform) => platform ?? 'no platform')
  const more = platforms.length > mostPlatforms ? ', …' : ''
  return html`index of ${platforms.length}: ${shown.join(', ')}${more}`
}
