import prettyBytes from 'pretty-bytes'
import {type Digest, hexOf} from '../oci/digest.js'
import {html, type Html} from './html.js'

const longestText = 400

/** Untrusted text, cut where it would fill the page. */
export function clipped(text: string): Html {
  if (text.length <= longestText) return html`${text}`
  const left = text.length - longestText
  return html`${text.slice(0, longestText)}… <span class="quiet">(${left} more characters)</span>`
}

export function size(bytes: number): Html {
  return html`<data value="${bytes}">${prettyBytes(bytes)}</data>`
}

/** Half a digest is enough to tell, and the whole one is in the link. */
export function shortDigest(digest: Digest): string {
  return `${digest.slice(0, digest.indexOf(':'))}:${hexOf(digest).slice(0, 12)}…`
}

/** A time as a document states it: to the minute, in UTC; as it is when it is not a time. */
export function time(text: string | undefined): Html {
  if (text === undefined) return none
  const date = new Date(text)
  if (Number.isNaN(Number(date))) return html`<span class="free">${clipped(text)}</span>`
  const iso = date.toISOString()
  const shown = iso.replace(/T(\d\d:\d\d).*$/, ' $1 UTC')
  return html`<time datetime="${iso}">${shown}</time>`
}

/** Where there is nothing to say. */
export const none = html`<span class="quiet">–</span>`
