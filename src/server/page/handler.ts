import {isDigest} from '../../oci/digest.js'
import type {Answer} from '../http/answer.js'
import {existing, type Exchange, type Handler, type Service} from '../http/exchange.js'
import {pageAnswer} from './frame.js'
import {html, type Html} from '../../picture/html.js'
import {imageBody} from './image.js'
import {indexBody} from './index-page.js'
import {readSubject} from './read-subject.js'
import {mostBytes, type Reading} from './reading.js'
import {referrersPart} from './referrers.js'
import {showRepositories} from './repositories.js'
import type {Subject} from './subject.js'
import {showTags} from './tags.js'
import {clipped, size, time} from '../../picture/text.js'
import {faultText, link, pathOf} from './text.js'
import {type ListWindow, windowIn} from './window.js'
import {Refusal} from '../http/refusal.js'

/**
 * What people see with a browser: the repositories, the tags of one, or one image. HTML, whatever
 * `Accept` says.
 */
export const showPage: Handler<'page'> = (exchange, service) => {
  const {repository, reference} = exchange.route
  if (repository === undefined) return showRepositories(exchange, service)
  if (reference === undefined) return showTags(repository, exchange, service)
  return showSubject(repository, reference, exchange, service)
}

async function showSubject(
  name: string,
  reference: string,
  {query, signal}: Exchange<'page'>,
  service: Service,
): Promise<Answer> {
  const repository = await existing(service, name)
  const reading = {repository, signal, left: mostBytes}
  const subject = await readSubject(reading, reference)
  if (subject === undefined)
    throw new Refusal(404, 'MANIFEST_UNKNOWN', `no manifest ${reference} in ${name}`)
  const path = pathOf(name, isDigest(reference) ? reference : {tag: reference}) ?? '/'
  const window = windowIn(query, path)
  return pageAnswer({
    title: isDigest(reference) ? `${name}@${reference}` : `${name}:${reference}`,
    trail: [link(pathOf(name), html`${name}`), html`${reference}`],
    body: html`${facts(subject)} ${await bodyOf(name, subject, reading, window)}
    ${subject.digest && (await referrersPart(name, subject.digest, reading))}`,
  })
}

async function bodyOf(
  name: string,
  subject: Subject,
  reading: Reading,
  window: ListWindow,
): Promise<Html | undefined> {
  if (subject.kind === 'image') return imageBody(subject, window)
  return subject.kind === 'index' ? indexBody(name, subject, reading, window) : undefined
}

function facts(subject: Subject): Html {
  const fact = (title: string, value: Html | undefined): Html =>
    value === undefined
      ? html``
      : html`<dt>${title}</dt>
          <dd>${value}</dd>`
  const {digest} = subject
  const shownDigest = digest && fact('Digest', html`<code class="copy">${digest}</code>`)
  if (subject.kind === 'unreadable')
    return html`<p>${faultText(subject.why)}</p>
      <dl>${shownDigest}</dl>`
  const mediaType = fact('Media type', html`<code>${clipped(subject.mediaType)}</code>`)
  if (subject.kind === 'index') return html`<dl>${shownDigest}${mediaType}</dl>`
  const {platform, artifactType, author, created, fault} = subject
  const wrong = fault === undefined ? undefined : html`<p>${faultText(fault)}</p>`
  return html`${wrong}
    <dl>
      ${fact('Platform', platform === undefined ? undefined : html`${platform}`)}
      ${fact('Artifact type', artifactType === undefined ? undefined : clipped(artifactType))}
      ${fact('Size', html`${size(subject.size)}, compressed`)}
      ${fact('Created', created === undefined ? undefined : time(created))}
      ${fact('Author', author === undefined ? undefined : clipped(author))} ${shownDigest}
      ${mediaType}
    </dl>`
}
