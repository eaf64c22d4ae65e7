import {STATUS_CODES} from 'node:http'
import type {Answer} from '../http/answer.js'
import {html, type Html} from '../../picture/html.js'
import {style, styleSource} from '../../picture/style.js'
import type {Refusal} from '../http/refusal.js'

export interface PageContent {
  readonly title: string
  /** The way here from the list of repositories, which comes before them. */
  readonly trail?: readonly Html[]
  readonly body: Html
}

/** A whole document, with what keeps browsers from doing more than to show it. */
export function pageAnswer({title, trail = [], body}: PageContent, status = 200): Answer {
  const home = trail.length === 0 ? html`Registry` : html`<a href="/">Registry</a>`
  const steps = [home, ...trail].map((step) => html`<li>${step}</li>`)
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        ${style}
      </head>
      <body>
        <header>
          <nav aria-label="Where you are">
            <ol>
              ${steps}
            </ol>
          </nav>
        </header>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
        <footer>Served by inject. Nothing can be changed here.</footer>
      </body>
    </html> `
  const bytes = Buffer.from(document.toString())
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-length': bytes.length,
      'content-security-policy': contentSecurityPolicy,
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      // what somebody may see is not for the next one at the same browser
      'cache-control': 'no-store',
    },
    body: bytes,
  }
}

/** What a person sees instead of the specification's error document. */
export function pageOfRefusal({status, message, headers}: Refusal): Answer {
  const title = STATUS_CODES[status] ?? 'Error'
  const answer = pageAnswer(
    {title, trail: [html`${String(status)}`], body: html`<p>${message}</p>`},
    status,
  )
  return {...answer, headers: {...headers, ...answer.headers}}
}

/**
 * What a browser may do with the page: apply that style sheet, send the search box, and nothing
 * else. https://www.w3.org/TR/CSP3/
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src ${styleSource}`,
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')
