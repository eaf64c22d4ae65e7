import {PreconditionError} from '../errors.js'
import {defaultSlotName} from '../oci/annotation.js'
import type {Image} from '../image/image.js'
import {type ByteString, fromText} from '../layer/byte-string.js'
import type {WalkedEntry} from '../layer/tree/walked-entry.js'
import {parseTime} from '../oci/time.js'
import type {Ports} from '../ports.js'
import {withTarget} from './copy/with-target.js'
import type {InjectionResult} from './injection/describe-image.js'
import type {IndexInjectionResult} from './injection/describe-index.js'
import {createInjectionRounds} from './injection/inject-rounds.js'
import {warnOfReferrers} from './injection/left-behind.js'
import {type InjectionRequest, withOrigin} from './injection/request.js'
import {publishUntilSettled} from './publish/until-settled.js'
import type {ContentOf} from './slot/group.js'
import {type LayerEntries, layerEntries} from './slot/entries/layer-entries.js'

/**
 * The options of `setup`. By default the slot gets the time of its image, so it is reproducible.
 */
export type SetupRequest = InjectionRequest

/**
 * Gives an image its slot: a layer with one empty directory, which later updates replace. An image
 * that already has the slot stays as it is. Throws `PreconditionError` when the slot is at another
 * place than the request asks for.
 */
export async function setup(
  request: SetupRequest,
  ports: Ports,
): Promise<InjectionResult | IndexInjectionResult> {
  return withTarget(withOrigin(request), ports, async (place) => {
    const {store} = place
    const entriesFor = layerEntries(store, request.layer, place.ports)
    const contentOf = emptySlot(request, entriesFor)
    const rounds = createInjectionRounds(store, place.request, contentOf, place.ports)
    try {
      const result = await publishUntilSettled(place, ({found}) => rounds.inject(found))
      await warnOfReferrers(store, result, place.ports)
      return result
    } finally {
      await rounds.close()
    }
  })
}

/** For each image that does not have the slot. */
function emptySlot(request: SetupRequest, entriesFor: LayerEntries): ContentOf {
  const {path = '/', created} = request.layer
  return async ({suitable: image, name, slot}) => {
    if (slot) {
      refuseOtherPath(name, request.layer.path, slot.path)
      return undefined
    }
    const time = created ?? timeOf(image)
    const directory = emptyDirectory(path === '/' ? name : path.slice(1), time)
    const names = path === '/' && name !== defaultSlotName ? [fromText(name)] : []
    const {entry} = directory
    const folderAt = (at: ByteString) => (at === entry.path ? entry : undefined)
    const walked = {key: String(time), entries: () => [directory], names, folderAt}
    const framed = await entriesFor({image, slot}, walked)
    return {...framed, path, on: `slot ${name}`, time}
  }
}

function refuseOtherPath(name: string, path: string | undefined, found: string): void {
  if (path === undefined || path === found) return
  throw new PreconditionError(
    'ERR_INJECT_SLOT_ELSEWHERE',
    `the image has the slot ${name} already, at ${found}`,
    {
      expected: path,
      found,
      hint: `inject update --path ${path} moves it together with its content`,
    },
  )
}

function timeOf({config}: Image): number {
  return parseTime(config.value.created) ?? 0
}

function emptyDirectory(path: string, mtime: number): WalkedEntry {
  return {
    entry: {
      kind: 'directory',
      path: fromText(path),
      mode: 0o755,
      uid: 0,
      gid: 0,
      mtime,
      xattrs: undefined,
    },
  }
}
