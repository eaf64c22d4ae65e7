import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {decodeDocument} from '../../src/image/document.js'
import type {PlatformChoice} from '../../src/image/platforms.js'
import {parsePlatform} from '../../src/oci/platform.js'
import {parseReference} from '../../src/oci/names/reference.js'
import type {ConflictPolicy} from '../../src/operations/publish/on-conflict.js'
import {remove} from '../../src/operations/remove.js'
import {setup} from '../../src/operations/setup.js'
import {update} from '../../src/operations/update.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {createMemoryStore} from '../../src/store/memory-store.js'
import {putIndex} from '../support/layout-index.js'
import {operationPorts} from '../support/operation-ports.js'
import {putImage, smallLayer} from '../support/put-image.js'
import {tempDir} from '../support/temp-dir.js'
import {injectionRequest, updateRequest} from '../support/update-options.js'

const commands = ['update', 'setup', 'remove'] as const
type Command = (typeof commands)[number]
type Kind = 'image' | 'index'

const platformChoices: readonly (readonly [string, PlatformChoice | undefined])[] = [
  ['--platform linux/amd64', [parsePlatform('linux/amd64')]],
  ['--platform all', 'all'],
  ['no --platform', undefined],
]

async function put(store: ContentStore, kind: Kind, command: Command): Promise<void> {
  const layers = [smallLayer('base')]
  if (kind === 'image') await putImage(store, {layers, config: {variant: undefined}})
  else await putIndex(store, {platforms: ['linux/amd64', 'linux/arm64']})
  if (command !== 'remove') return
  // what is to be removed must be there
  const reference = parseReference('registry.example/app:v1')
  await setup(injectionRequest({reference, platforms: 'all'}), operationPorts(store))
}

/**
 * Runs a command on a tag that is a `from` when it is read, and a `to` when the result is put; the
 * command sees no warning of it.
 */
async function run(
  command: Command,
  {from, to}: {readonly from: Kind; readonly to: Kind},
  platforms: PlatformChoice | undefined,
  onConflict: ConflictPolicy = 'retry',
) {
  const store = createMemoryStore('registry.example/app')
  await put(store, from, command)
  const tree = join(await tempDir(), 'tree')
  mkdirSync(tree)
  writeFileSync(join(tree, 'file'), 'content')
  let isMoved = false
  const racing: ContentStore = {
    ...store,
    async putManifest(bytes, mediaType, options = {}) {
      if (!isMoved && (options.tags ?? []).length > 0) {
        isMoved = true
        // `v1` becomes something else, whatever it was
        await put(store, to, command)
      }
      return store.putManifest(bytes, mediaType, options)
    },
  }
  const request = updateRequest({
    reference: parseReference('registry.example/app:v1'),
    directory: tree,
    platforms,
    onConflict,
  })
  const ports = operationPorts(racing)
  const operation = async (): Promise<unknown> =>
    command === 'update'
      ? update(request, ports)
      : command === 'setup'
        ? setup(request, ports)
        : remove(request, ports)
  const error = await operation().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  const stored = await store.getManifest('v1')
  return {error, said: ports.said, kind: stored && decodeDocument(stored).kind}
}

describe.each(commands)('B1 %s --on-conflict retry', (command) => {
  it.each(platformChoices)(
    'an image that becomes an index before the tag moves is never overwritten, with %s',
    async (_, platforms) => {
      const {error, said, kind} = await run(command, {from: 'image', to: 'index'}, platforms)
      expect(kind).toBe('index')
      expect(said.join('\n')).toContain('starting again from there')
      if (platforms !== undefined) expect(error).toBeUndefined()
      else
        expect(error).toMatchObject({
          name: 'ConflictError',
          code: 'ERR_INJECT_TAG_MOVED',
          message: expect.stringMatching(
            /was a single image, and is an index now: .*linux\/amd64.*linux\/arm64/,
          ) as string,
        })
    },
  )

  it.each(platformChoices.slice(0, 2))(
    'an index that becomes an image before the tag moves is worked on as the image that it is, with %s',
    async (_, platforms) => {
      const {error, said, kind} = await run(command, {from: 'index', to: 'image'}, platforms)
      expect(error).toBeUndefined()
      expect(kind).toBe('image')
      expect(said.join('\n')).toContain('starting again from there')
    },
  )

  it('an index that becomes an image for another platform is a conflict', async () => {
    const {error, kind} = await run(command, {from: 'index', to: 'image'}, [
      parsePlatform('linux/arm64'),
    ])
    expect(kind).toBe('image')
    expect(error).toMatchObject({
      code: 'ERR_INJECT_TAG_MOVED',
      message: expect.stringMatching(
        /was an index, and is a single image now: .*not for linux\/arm64/,
      ) as string,
    })
  })

  it.each([
    ['image', 'index'],
    ['index', 'image'],
  ] as const)('--on-conflict fail: an %s that becomes an %s is a conflict', async (from, to) => {
    const {error, kind} = await run(command, {from, to}, 'all', 'fail')
    expect(kind).toBe(to)
    expect(error).toMatchObject({code: 'ERR_INJECT_TAG_MOVED'})
  })
})
