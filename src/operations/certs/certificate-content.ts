import {PreconditionError} from '../../errors.js'
import type {Image} from '../../image/image.js'
import type {MergeRule} from '../../image/merge.js'
import {findSlots} from '../../image/slot.js'
import {fromText} from '../../layer/byte-string.js'
import {compareInTree} from '../../layer/merge/merge-entries.js'
import type {WalkedEntry} from '../../layer/tree/walked-entry.js'
import {digestOf} from '../../oci/digest.js'
import type {ContentStore} from '../../store/content-store.js'
import {subjectHash} from '../../trust/subject-hash.js'
import {bundleVariables, usualBundle} from '../../trust/trust-stores.js'
import type {Ports} from '../../ports.js'
import {createLayerFiles} from '../merge/layer-files.js'
import {mergeContent} from '../merge/merge-content.js'
import {vendorLayers} from '../merge/vendor-layers.js'
import {createBaseLayers} from '../slot/entries/base-layers.js'
import type {ContentOf} from '../slot/group.js'
import type {LayerEntries} from '../slot/entries/layer-entries.js'
import type {Certificate} from './certificate.js'
import {findStores, type TrustStores} from './find-stores.js'

export interface CertificateContentOptions {
  readonly certificates: readonly Certificate[]
  readonly layerEntries: LayerEntries
  /** Seconds since the epoch: no file is newer. */
  readonly created?: number | undefined
  /** Name the bundle in environment variables. */
  readonly setsEnv: boolean
  /** Leave Java keystores as they are. */
  readonly skipsJava: boolean
  /** Many images share the layers. */
  readonly isShared?: boolean | undefined
}

/**
 * What a slot holds so that all trust stores of an image have the certificates. Throws
 * `PreconditionError` (`ERR_INJECT_CERTS_WINDOWS`) for an image of Windows, and what `findStores`
 * and `mergeContent` throw.
 */
export function certificateContent(
  store: ContentStore,
  {certificates, layerEntries, created, setsEnv, skipsJava, isShared}: CertificateContentOptions,
  ports: Ports,
): ContentOf {
  const layers = createBaseLayers(store, ports)
  const files = createLayerFiles(store, layers, ports)
  return async (target) => {
    const {suitable: image, slot, name} = target
    if (image.config.value.os === 'windows') throw onWindows()
    const stores = await findStores(vendorLayers(image, slot), {layers, files})
    const [bundle = usualBundle] = stores.bundles
    if (stores.bundles.length === 0) noticeNoStore(otherSlots(image, name), ports)
    const rules: MergeRule[] = [
      ...[bundle, ...stores.bundles.slice(1)].map((path) => ({path, as: 'append' as const})),
      ...(skipsJava ? [] : stores.keystores).map((path) => ({path, as: 'keystore' as const})),
    ]
    const time = Math.min(created ?? Infinity, Math.max(...certificates.map((c) => c.validFrom)))
    const entries = entriesFor(rules, stores, certificates, time)
    const key = digestOf(Buffer.from(JSON.stringify(entries.map(factsOf))))
    const walked = {key, entries: () => entries, names: [], folderAt: () => undefined}
    const framed = await layerEntries({image, slot}, walked)
    const packing = isShared ? ['certificates', framed.key] : undefined
    const env = Object.fromEntries(bundleVariables.map((variable) => [variable, bundle]))
    return mergeContent(
      {...framed, packing, path: '/', on: `slot ${name}`, ...(setsEnv && {edits: {env}})},
      rules,
      target,
      {
        files,
        created,
        onMissing({path}) {
          throw new TypeError(`no certificates for ${path}`)
        },
      },
    )
  }
}

/** In the order of a tree, with directories for where the image has none. */
function entriesFor(
  rules: readonly MergeRule[],
  {anchors, hashes}: TrustStores,
  certificates: readonly Certificate[],
  mtime: number,
): WalkedEntry[] {
  const contents = new Map<string, string>()
  const all = certificates.map(({pem}) => pem).join('')
  for (const {path} of rules) contents.set(path, all)
  for (const folder of anchors)
    for (const {fingerprint, pem} of certificates)
      contents.set(`${folder}/inject-${fingerprint.slice(0, 32)}.crt`, pem)
  for (const [folder, taken] of hashes) {
    const names = new Set(taken)
    for (const {bytes, pem} of certificates) {
      const name = freeName(subjectHash(bytes), names)
      names.add(name)
      contents.set(`${folder}/${name}`, pem)
    }
  }
  const folders = new Set<string>()
  for (const path of contents.keys())
    for (let end = path.indexOf('/', 1); end > 0; end = path.indexOf('/', end + 1))
      folders.add(path.slice(0, end))
  const common = {uid: 0, gid: 0, mtime, xattrs: undefined}
  const entries: WalkedEntry[] = [...folders].map((path) => ({
    entry: {kind: 'directory', path: fromText(path.slice(1)), mode: 0o755, ...common},
  }))
  for (const [path, text] of contents) {
    const content = Buffer.from(text)
    const facts = {path: fromText(path.slice(1)), size: content.length, mode: 0o644}
    entries.push({entry: {kind: 'file', ...facts, ...common}, content})
  }
  return entries.sort((a, b) => compareInTree(a.entry.path, b.entry.path))
}

/** The first that no other certificate with this hash has. */
function freeName(hash: string, taken: ReadonlySet<string>): string {
  for (let number = 0; ; number++) if (!taken.has(`${hash}.${number}`)) return `${hash}.${number}`
}

function factsOf({entry, content = new Uint8Array()}: WalkedEntry) {
  return [entry.path, entry.mtime, digestOf(content)]
}

function otherSlots(image: Image, name: string): string[] {
  return findSlots(image).flatMap((slot) => (slot.name === name ? [] : [slot.name]))
}

function noticeNoStore(others: readonly string[], {report}: Pick<Ports, 'report'>): void {
  const where = others.length > 0 ? ` outside its slots (${others.join(', ')})` : ''
  report({
    // one of these slots can have a bundle, which the new one then hides
    kind: others.length > 0 ? 'warning' : 'notice',
    message: `the image has no bundle of certificates${where}: ${usualBundle} is made, which OpenSSL and Go read`,
  })
}

function onWindows(): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_CERTS_WINDOWS',
    'Windows keeps its certificates in the registry, not in files that a layer could add to',
    {hint: 'use certutil -addstore in a build; choose the other images with --platform'},
  )
}
