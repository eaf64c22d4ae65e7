/* global document, window */
// Search without a network: the index is loaded with the first search. The pages do not need this
// script; without it there is no search box.
{
  const form = document.querySelector('form[role=search]')
  const input = form.querySelector('input')
  const count = form.querySelector('output')
  const list = form.querySelector('ol')
  const {root} = document.currentScript.dataset
  const most = 20
  form.hidden = false

  let index
  function load() {
    index ??= new Promise((resolve) => {
      const script = document.createElement('script')
      script.src = `${root}/search-index.js`
      script.onload = () => resolve(window.searchIndex)
      document.head.append(script)
    })
    return index
  }

  /** 0 where a word is missing; more for names than for texts, and for whole words. */
  function score([, , name, words], title, wanted) {
    const names = `${title} ${name}`.toLowerCase()
    let sum = 0
    for (const word of wanted) {
      if (name.toLowerCase().includes(word)) sum += name.toLowerCase() === word ? 40 : 20
      else if (names.includes(word)) sum += 8
      else if (` ${words} `.includes(` ${word} `)) sum += 4
      else if (words.includes(word)) sum += 1
      else return 0
    }
    return sum
  }

  async function search() {
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean)
    list.replaceChildren()
    list.hidden = wanted.length === 0
    count.textContent = ''
    if (wanted.length === 0) return
    const text = input.value
    const {files, sections} = await load()
    if (input.value !== text) return
    const found = sections
      .map((section) => ({section, points: score(section, files[section[0]][1], wanted)}))
      .filter(({points}) => points > 0)
      .sort((one, other) => other.points - one.points)
    count.textContent = found.length === 1 ? '1 section' : `${found.length} sections`
    list.replaceChildren(...found.slice(0, most).map(({section}) => entry(section, files)))
  }

  function entry([page, id, name, , start], files) {
    const [file, title] = files[page]
    const item = document.createElement('li')
    const link = document.createElement('a')
    link.href = `${root}/${file}${id ? `#${id}` : ''}`
    link.textContent = id ? `${title} › ${name}` : title
    const text = document.createElement('span')
    text.textContent = start
    item.append(link, text)
    return item
  }

  input.addEventListener('input', () => void search())
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    list.querySelector('a')?.click()
  })
  document.addEventListener('keydown', (event) => {
    const typing = event.target.closest?.('input, textarea')
    if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault()
      input.focus()
    }
    if (event.key === 'Escape' && form.contains(event.target)) {
      input.value = ''
      void search()
      input.focus()
    }
  })
  // a result on the same page is reached without loading it again
  list.addEventListener('click', () => (list.hidden = true))
}
