import fc from 'fast-check'
import {tmpdir} from 'node:os'
import {describe, expect, it} from 'vitest'
import {readLimits} from '../../../src/layer/content/read-layer.js'
import {digestOf} from '../../../src/oci/digest.js'
import {ociLayer} from '../../../src/oci/media-type.js'
import {listFiles} from '../../../src/operations/browse/list-files.js'
import {readFile} from '../../../src/operations/browse/read-file.js'
import {parseImagePart, splitPath} from '../../../src/operations/compare/side.js'
import {createMemoryStore} from '../../../src/store/memory-store.js'
import type {ContentStore} from '../../../src/store/content-store.js'
import {inTreeOrder, layersOf, layerSteps, putLayerOf} from '../../support/layer-model.js'
import {operationPorts} from '../../support/operation-ports.js'
import {putImage, type PutLayer} from '../../support/put-image.js'
import {archive, directory, file, hardlink, member, symlink} from '../../support/tar-fixtures.js'

const layer = (...members: readonly Buffer[]): PutLayer => {
  const blob = archive(...members)
  return {blob, mediaType: ociLayer, diffId: digestOf(blob)}
}

/** `v1`, `v1#slot` or `v1:/path`; the whole image where no slot is named. */
function treeOf(text: string) {
  const {image, path = '/'} = splitPath(`store.example/app:${text}`)
  const {reference, part = {kind: 'all'} as const} = parseImagePart(image)
  return {reference, part, path, limits: readLimits, temporary: tmpdir()}
}

async function list(store: ContentStore, text: string, recursive = false) {
  const {files} = await listFiles({...treeOf(text), recursive}, operationPorts(store))
  return files.map(({path}) => path)
}

async function read(store: ContentStore, text: string): Promise<string> {
  const parts: Buffer[] = []
  const write = (bytes: Uint8Array): void => void parts.push(Buffer.from(bytes))
  const {size} = await readFile({...treeOf(text), write}, operationPorts(store))
  const content = Buffer.concat(parts)
  expect(content.length).toBe(size)
  return content.toString('latin1')
}

describe('the files of an image', () => {
  it('are those of the tree that its layers come to, with their content', async () => {
    await fc.assert(
      fc.asyncProperty(layerSteps, async (steps) => {
        const {layers, tree} = layersOf(steps)
        const store = createMemoryStore('store.example/app')
        await putImage(store, {layers: layers.map(putLayerOf)})
        const {files} = await listFiles({...treeOf('v1'), recursive: true}, operationPorts(store))
        const expected = inTreeOrder(tree.keys()).map((path) => ({
          path,
          type: tree.get(path)?.kind,
        }))
        expect(files.map(({path, type}) => ({path, type}))).toEqual(expected)
        for (const [path, node] of tree) {
          if (node.kind === 'file') expect(await read(store, `v1:/${path}`)).toBe(node.content)
        }
      }),
    )
  })

  it('are found through symbolic links, which stay within the root', async () => {
    const store = createMemoryStore('store.example/app')
    const content = '\0\x1b[31m\xff'
    await putImage(store, {
      layers: [
        layer(
          symlink('bin', 'usr/bin'),
          directory('usr/'),
          directory('usr/bin/'),
          file('usr/bin/tool', Buffer.from(content, 'latin1')),
          symlink('out', '../../../../usr/bin/tool'),
          symlink('abs', '/bin/tool'),
          symlink('loop', 'loop'),
          member({name: 'null', type: '3', major: 1, minor: 3}),
          member({name: 'pipe', type: '6'}),
        ),
        layer(hardlink('again', 'usr/bin/tool')),
      ],
    })
    for (const path of ['bin/tool', 'out', 'abs', 'again', 'usr/../bin/./tool'])
      expect(await read(store, `v1:/${path}`)).toBe(content)
    expect(await list(store, 'v1:/bin')).toEqual(['tool'])
    expect(await list(store, 'v1:/usr/bin/tool')).toEqual(['tool'])
    expect(await list(store, 'v1')).toContain('bin')
    const codes = {
      loop: 'ERR_INJECT_LINK_LOOP',
      null: 'ERR_INJECT_NOT_A_FILE',
      pipe: 'ERR_INJECT_NOT_A_FILE',
      usr: 'ERR_INJECT_NOT_A_FILE',
      'usr/none': 'ERR_INJECT_PATH_NOT_FOUND',
      'abs/x': 'ERR_INJECT_PATH_NOT_FOUND',
    }
    for (const [path, code] of Object.entries(codes))
      await expect(read(store, `v1:/${path}`)).rejects.toMatchObject({code})
  })

  it('of a slot are seen from its directory, and links lead out of it nowhere', async () => {
    const store = createMemoryStore('store.example/app')
    const slot = layer(
      directory('opt/'),
      directory('opt/models/'),
      file('opt/models/weights', 'w'),
      symlink('opt/models/link', '/opt/models/weights'),
      symlink('opt/models/out', '/etc/passwd'),
      file('opt/models/.wh.kept', ''),
    )
    const labels = {
      models_injection_tar: slot.diffId as string,
      models_injection_path: '/opt/models',
    }
    await putImage(store, {layers: [layer(file('etc/passwd', 'root')), slot], labels})
    expect(await list(store, 'v1#models')).toEqual(['.wh.kept', 'link', 'out', 'weights'])
    expect(await read(store, 'v1#models:/link')).toBe('w')
    await expect(read(store, 'v1#models:/out')).rejects.toThrow(
      "'/out' leads to '/etc/passwd', which is outside slot models",
    )
    expect(await read(store, 'v1:/opt/models/out')).toBe('root')
    await expect(list(store, 'v1#other')).rejects.toMatchObject({code: 'ERR_INJECT_NO_SLOT'})
  })

  it('are not given of a layer that is not the one that the image names', async () => {
    const store = createMemoryStore('store.example/app')
    const wrong = {...layer(file('a', 'x')), diffId: digestOf(Buffer.from('another'))}
    await putImage(store, {layers: [wrong]})
    await expect(read(store, 'v1:/a')).rejects.toMatchObject({
      code: 'ERR_INJECT_DIFF_ID_MISMATCH',
    })
  })
})
