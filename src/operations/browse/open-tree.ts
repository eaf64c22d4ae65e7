import {PreconditionError} from '../../errors.js'
import {type ByteString, fromText} from '../../layer/byte-string.js'
import type {ReadLimits} from '../../layer/records/read-layer.js'
import {mergeTree} from '../../layer/records/merge-tree.js'
import type {ContentRecord} from '../../layer/records/record.js'
import type {Digest} from '../../oci/digest.js'
import {repositoryName} from '../../oci/names/reference.js'
import type {Ports} from '../../ports.js'
import {readTrees} from '../compare/read-trees.js'
import type {ImagePart} from '../compare/side.js'
import {imageTree, type ImageTree} from '../compare/tree-source.js'
import {findDocument} from '../find/find-document.js'
import {loadForMachine, type OneImage} from '../find/load-for-machine.js'
import {reportOddities} from '../find/report-oddities.js'

export interface TreeRequest extends OneImage {
  readonly part: ImagePart
  readonly limits: ReadLimits
  /** The folder for temporary files. */
  readonly temporary: string
}

/** The files of a slot or of a whole image. */
export interface OpenTree {
  /** `repository@digest` of the image. */
  readonly reference: string
  readonly digest: Digest
  /** `null` for the whole image. */
  readonly slot: string | null
  /** The path of the tree's root in the image, without outer slashes; `''` for the image's root. */
  readonly prefix: ByteString
  readonly source: ImageTree['source']
  /** The entries in the order of a tree; can be iterated again. */
  entries(): Iterable<ContentRecord>
}

/**
 * Reads the layers that make up the tree and runs `work` on it. Throws `PreconditionError`
 * (`ERR_INJECT_NO_SLOT`), and what loading and reading throw.
 */
export async function withTree<T>(
  request: TreeRequest,
  ports: Ports,
  work: (tree: OpenTree) => Promise<T>,
): Promise<T> {
  const store = await ports.openStore(request.reference, {writes: false})
  try {
    const document = await findDocument(store, request.reference, ports)
    const image = await loadForMachine(store, request, {document, doing: 'reading'}, ports)
    reportOddities(image, ports)
    const {digest} = image.manifest.descriptor
    const reference = `${repositoryName(request.reference)}@${digest}`
    const {source, slot} = imageTree(image, request.part, store, ports)
    if (slot && slot.path === undefined) throw noSlot(reference, slot.name)
    const {temporary, limits} = request
    const options = {exact: true, tables: true, hashes: false, temporary, limits}
    const trees = await readTrees(source, undefined, options, ports)
    try {
      return await work({
        ...{reference, digest, source},
        slot: slot?.name ?? null,
        prefix: fromText(slot?.path ?? '').replaceAll(/^\/+|\/+$/g, ''),
        entries: () => visible(trees.records()),
      })
    } finally {
      trees.close()
    }
  } finally {
    await store.close()
  }
}

function* visible(records: Iterable<ContentRecord>): Generator<ContentRecord, void, undefined> {
  for (const {path, first} of mergeTree(records))
    if (first.visible && path !== '') yield first.visible
}

function noSlot(reference: string, name: string): PreconditionError {
  return new PreconditionError('ERR_INJECT_NO_SLOT', `${reference} has no slot ${name}`, {
    hint: '--all shows the whole image; inject inspect lists the slots',
  })
}
