import {html, type Html} from '../../../picture/html.js'

/** A list of names and values; nothing for a value that is not known. */
export function facts(entries: readonly (readonly [string, Html | undefined])[]): Html {
  const shown = entries
    .filter(([, value]) => value !== undefined)
    .map(
      ([title, value]) =>
        html`<dt>${title}</dt>
          <dd>${value}</dd>`,
    )
  return html`<dl>${shown}</dl>`
}

/** A digest or a command, which one click selects as a whole. */
export function copyable(text: string): Html {
  return html`<code class="copy">${text}</code>`
}
