// Markdown of the documentation to HTML, by `marked`, with anchors, links of the site, and tables
// that scroll by themselves.
import {Marked, Renderer} from 'marked'
import {addressFrom, anchors, isExternal, linkTarget, pageFile} from './links.mjs'

const plain = new Renderer()

/** Text for an element's content or a quoted attribute. */
export const escaped = (text) =>
  text.replaceAll(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

/** What a reader sees of HTML. */
function textOf(html) {
  return html
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replaceAll(/&(amp|lt|gt|quot);/g, (_, name) => ({amp: '&', lt: '<', gt: '>', quot: '"'})[name])
    .replaceAll(/\s+/g, ' ')
    .trim()
}

/**
 * One page: its HTML, its title, and its sections for navigation and search.
 *
 * @param isPage whether a path of the repository is a page of the site
 * @param addFile called for every other file that a link of the page needs; false if the site
 *   cannot have it
 */
export function renderPage({path, text, isPage, addFile}) {
  const from = pageFile(path)
  const anchor = anchors()
  const sections = []
  let table = 0

  const address = (link) => {
    if (isExternal(link)) return link
    const target = linkTarget(path, link)
    const index = `${target.path}/README.md`
    if (isPage(index)) target.path = index
    if (!isPage(target.path) && !addFile(target.path)) return undefined
    const to = isPage(target.path) ? pageFile(target.path) : siteFile(target.path)
    const file = to === from && target.anchor ? '' : addressFrom(from, to)
    return target.anchor ? `${file}#${target.anchor}` : file
  }

  const renderer = {
    heading({tokens, depth}) {
      const content = this.parser.parseInline(tokens)
      const name = textOf(content)
      const id = anchor(name)
      sections.push({depth, name, id, text: ''})
      const mark = `<a class="mark" href="#${id}" aria-label="Link to this section">#</a>`
      return `<h${depth} id="${id}">${content}${depth === 1 ? '' : ` ${mark}`}</h${depth}>\n`
    },
    link({href, tokens}) {
      const content = this.parser.parseInline(tokens)
      const to = address(href)
      return to === undefined ? content : `<a href="${escaped(to)}">${content}</a>`
    },
    code({text: code, lang}) {
      note(code)
      const kind = /^\w+/.exec(lang ?? '')?.[0] ?? 'text'
      return `<pre class="${kind}" tabindex="0"><code>${escaped(code)}</code></pre>\n`
    },
    table(token) {
      table++
      const made = errorEntries(this, token)
      if (made !== undefined) return made
      const title = `Table ${table}: ${sections.at(-1)?.name ?? ''}`
      const inner = plain.table.call(this, token)
      const body = inner
        .replaceAll(/ align="(\w+)"/g, ' class="$1"')
        .replaceAll(/<th([^>]*)><\/th>/g, '<td$1></td>')
      return `<div class="table" role="region" aria-label="${escaped(title)}" tabindex="0">${body}</div>\n`
    },
    html({text: html}) {
      // comments are for tests
      return html.replaceAll(/<!--[^]*?-->/g, '')
    },
  }

  /** Codes of errors become entries of their own, so that a link leads to one of them. */
  function errorEntries(self, {header, rows}) {
    if (header[3]?.text !== 'what to do') return undefined
    return rows
      .map((cells) => {
        const [code, exits, cause, fix] = cells.map(({tokens}) => self.parser.parseInline(tokens))
        const id = textOf(code)
        sections.push({depth: 3, name: id, id, text: `${textOf(cause)} ${textOf(fix)}`})
        const mark = `<a class="mark" href="#${id}" aria-label="Link to this error">#</a>`
        return `<section class="error"><h2 id="${id}"><code>${id}</code> ${mark}</h2>
<dl><dt>Exit code</dt><dd>${exits}</dd><dt>Cause</dt><dd>${cause}</dd><dt>Fix</dt><dd>${fix}</dd></dl></section>\n`
      })
      .join('')
  }

  function note(more) {
    const section = sections.at(-1)
    if (section) section.text += ` ${more}`
  }

  const marked = new Marked({gfm: true, renderer})
  const html = marked.parse(text).replaceAll(/\b(src|srcset)="([^":]+)"/g, (whole, name, link) => {
    const to = address(link)
    return to === undefined ? whole : `${name}="${escaped(to)}"`
  })
  collectText(marked, text, sections)
  const title = sections[0]?.name ?? path
  return {path, file: from, title, html, sections}
}

/** Gives each section the text below its heading. */
function collectText(marked, text, sections) {
  const headings = sections.filter(({name}) => !name.startsWith('ERR_INJECT_'))
  let at = -1
  for (const token of marked.lexer(text)) {
    if (token.type === 'heading') at++
    else if (token.type !== 'html' && token.type !== 'code' && headings[at])
      headings[at].text += ` ${textOf(token.raw.replaceAll(/\]\([^)]*\)|[`*|[\]]|-{3,}/g, ' '))}`
  }
}

/** A file that is not a page keeps its name; one without an ending is text. */
export function siteFile(path) {
  return /\.\w+$/.test(path) ? path : `${path}.txt`
}
