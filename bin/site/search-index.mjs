// The index that a page loads when somebody searches: a script, because pages that are opened from
// a disk must not fetch files.

/** At most so many characters of a section are shown below its name. */
const shownText = 120

/** Each section of each page: page, anchor, names, the words of its text, how it begins. */
export function searchIndex(pages) {
  const files = pages.map(({file, title}) => [file, title])
  const sections = pages.flatMap(({sections: parts}, page) =>
    parts.map(({name, id, text, depth}) => {
      const plain = text.replaceAll(/\s+/g, ' ').trim()
      const start = plain.length > shownText ? `${plain.slice(0, shownText)}…` : plain
      return [page, depth === 1 ? '' : id, name, words(plain), start]
    }),
  )
  return `window.searchIndex = ${JSON.stringify({files, sections})}\n`
}

/** Every word once, in lower case. */
function words(text) {
  return [...new Set(text.toLowerCase().match(/[\p{L}\p{N}_-]+/gu))].sort().join(' ')
}
