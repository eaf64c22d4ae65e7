// Names and addresses within the site: pure functions of paths, with "/" between their parts.
import {posix} from 'node:path'

const {dirname, join, relative} = posix

/** The file of a page in the site: `docs/errors.md` is `docs/errors.html`, a README the index. */
export function pageFile(path) {
  return path.replace(/(?:^|(?<=\/))README\.md$/, 'index.html').replace(/\.md$/, '.html')
}

/** A relative address of `to` in the page `from`, so that the site works at any path. */
export function addressFrom(from, to) {
  return relative(dirname(from), to)
}

/** The path in the repository that a link of the page `from` leads to, and its anchor. */
export function linkTarget(from, link) {
  const [path = '', anchor] = link.split('#')
  return {path: path === '' ? from : join(dirname(from), decodeURI(path)), anchor}
}

/** Whether a link leads to another host, or is of another kind (`mailto:`). */
export const isExternal = (link) => /^[a-z][a-z0-9+.-]*:/i.test(link)

/**
 * Makes the anchors of one page as GitHub does: lower case, no punctuation, `-` for a space, and a
 * number after what is there already.
 */
export function anchors() {
  const taken = new Map()
  return (text) => {
    const plain = text.toLowerCase().replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    const slug = plain.replaceAll(' ', '-')
    const count = taken.get(slug) ?? 0
    taken.set(slug, count + 1)
    return count === 0 ? slug : `${slug}-${count}`
  }
}
