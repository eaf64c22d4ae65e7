// The frame of a page: navigation, search box, and the list of its sections.
import {addressFrom, pageFile} from './links.mjs'
import {escaped} from './markdown.mjs'

/**
 * The groups of the navigation, from the page that lists all others: a group for each heading, and
 * its links.
 */
export function navigation(text) {
  return text
    .split(/^## /m)
    .slice(1)
    .map((part) => {
      const [title = '', ...lines] = part.split('\n')
      const links = [...lines.join('\n').matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)]
      return {title, links: links.map(([, name, link]) => ({name, link}))}
    })
}

/**
 * The whole HTML of a page.
 *
 * @param groups the navigation, with the path in the repository of each link
 */
export function pageDocument({page, groups}) {
  const to = (path) => escaped(addressFrom(page.file, path))
  const item = ({name, path}) => {
    const current = path === page.path ? ' aria-current="page"' : ''
    return `<li><a href="${to(pageFile(path))}"${current}>${escaped(name)}</a></li>`
  }
  const menu = groups
    .map(({title, links}) => `<h2>${escaped(title)}</h2>\n<ul>${links.map(item).join('\n')}</ul>`)
    .join('\n')
  const parts = page.sections.filter(({depth}) => depth === 2)
  const contents = parts
    .map(({name, id}) => `<li><a href="#${id}">${escaped(name)}</a></li>`)
    .join('\n')
  const inPage =
    parts.length < 2
      ? ''
      : `<nav class="sections" aria-label="On this page"><h2>On this page</h2>\n<ul>${contents}</ul></nav>`
  const root = addressFrom(page.file, '.') || '.'
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(page.title === 'inject' ? 'inject' : `${page.title} – inject`)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${to('site.css')}">
<script src="${to('search.js')}" data-root="${root}" defer></script>
</head>
<body>
<header class="top">
<a class="name" href="${to('index.html')}">inject</a>
<a class="menu" href="#menu">Contents</a>
<form role="search" hidden>
<label for="search">Search</label>
<input id="search" type="search" autocomplete="off" placeholder="press /">
<output for="search"></output>
<ol class="found" hidden></ol>
</form>
</header>
<div class="page">
<main>
${page.html}
</main>
${inPage}
<nav class="menu" id="menu" aria-label="Documentation">
${menu}
</nav>
</div>
</body>
</html>
`
}
