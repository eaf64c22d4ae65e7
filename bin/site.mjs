#!/usr/bin/env node
// Makes the documentation into HTML: `npm run site` writes to site/, `node bin/site.mjs FOLDER`
// elsewhere. The pages need no server, no network and no script.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import {dirname, join, resolve} from 'node:path'
import {fileURLToPath} from 'node:url'
import {navigation, pageDocument} from './site/layout.mjs'
import {linkTarget} from './site/links.mjs'
import {renderPage, siteFile} from './site/markdown.mjs'
import {searchIndex} from './site/search-index.mjs'

const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const target = resolve(process.argv[2] ?? here('site'))

/** All pages, as paths in the repository. */
const paths = [
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  'ci/README.md',
  ...readdirSync(here('docs'), {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
    .sort(),
]

function write(path, text) {
  mkdirSync(dirname(join(target, path)), {recursive: true})
  writeFileSync(join(target, path), text)
}

/** Pictures and texts that a page links to come along; folders and sources do not. */
function addFile(path) {
  const from = here(path)
  if (!existsSync(from)) throw new Error(`a page links to ${path}, which is not there`)
  const isPart = /^(?:docs|ci)\/|^LICENSE$/.test(path)
  if (!isPart || !statSync(from).isFile()) return false
  const to = join(target, siteFile(path))
  mkdirSync(dirname(to), {recursive: true})
  copyFileSync(from, to)
  return true
}

/** `ci` stands for `ci/README.md`. */
const isPage = (path) => paths.includes(path)

rmSync(target, {recursive: true, force: true})
const pages = paths.map((path) =>
  renderPage({path, text: readFileSync(here(path), 'utf8'), isPage, addFile}),
)
const overview = 'docs/README.md'
const groups = navigation(readFileSync(here(overview), 'utf8')).map(({title, links}) => ({
  title,
  links: links.map(({name, link}) => ({name, path: linkTarget(overview, link).path})),
}))
for (const page of pages) write(page.file, pageDocument({page, groups}))
write('search-index.js', searchIndex(pages))
for (const name of ['search.js', 'site.css'])
  write(name, readFileSync(here(`bin/site/${name}`), 'utf8'))
console.log(`${pages.length} pages: ${join(target, 'index.html')}`)
