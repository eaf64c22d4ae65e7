import {afterAll, beforeAll, expect, it} from 'vitest'
import {commandBlocks, commandPages, shownFiles, tableCommands} from '../support/doc-blocks.js'
import {type DocImages, makeDocImages, removeDocImages, runBlocks} from '../support/doc-desk.js'
import {describeWith} from '../support/tools.js'

const pages = commandPages.map((page) => ({page, blocks: commandBlocks(page)}))

describeWith(['skopeo', 'openssl', 'curl'], 'the commands of the documentation', () => {
  let images: DocImages
  beforeAll(async () => {
    images = await makeDocImages()
  })
  afterAll(() => removeDocImages(images))

  for (const {page, blocks} of pages) {
    const runnable = blocks.filter(({notRun}) => notRun === undefined)
    if (runnable.length === 0) continue
    it(`run as they are written: ${page}`, async () => {
      expect(await runBlocks(images, {blocks: runnable, files: shownFiles(page)})).toBe('')
    }, 120_000)
  }

  it.each(['crane', 'regctl', 'docker-injector'])(
    'run as they are written, in the table of docs/migrating/%s.md',
    async (name) => {
      const page = `docs/migrating/${name}.md`
      const commands = tableCommands(page).filter((command) =>
        /^inject .*registry\.example/.test(command),
      )
      expect(commands.length).toBeGreaterThan(2)
      const blocks = commands.map((script) => ({where: page, script, notRun: undefined}))
      expect(await runBlocks(images, {blocks, files: []})).toBe('')
    },
    120_000,
  )
})
