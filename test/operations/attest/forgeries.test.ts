import {describe, expect, it} from 'vitest'
import type {ClaimName} from '../../../src/attest/claims.js'
import {encodeStatement} from '../../../src/attest/statement.js'
import {
  bundleType,
  predicateAnnotation,
  provenanceType,
  statementType,
} from '../../../src/attest/types.js'
import type {Descriptor} from '../../../src/oci/descriptor.js'
import {digestOf} from '../../../src/oci/digest.js'
import {ociIndex} from '../../../src/oci/media-type.js'
import {parseReference} from '../../../src/oci/names/reference.js'
import {putArtifact} from '../../../src/operations/attest/put-artifact.js'
import type {VerifyRequest} from '../../../src/operations/verify.js'
import {update} from '../../../src/operations/update.js'
import {makeCertificate} from '../../support/certificate.js'
import {
  attestBy,
  attestedScene,
  type BundleJson,
  bundleOf,
  type ConfigJson,
  dropReferrers,
  forgeImage,
  listReferrers,
  makeParty,
  type ManifestJson,
  ourName,
  putBlob,
  putBundle,
  putManifest,
  putSignature,
  type Scene,
  taggedImage,
  vendorName,
} from '../../support/attested.js'
import {referrersTag} from '../../../src/store/referrer-lister.js'
import {updateRequest} from '../../support/update-options.js'
import {makeEntry} from '../../support/put-image.js'
import {makeTree, putVendor, putVendorIndex, vendorLayers} from '../../support/vendor.js'

/** What must be refused, by which claim, and why. */
type Row = readonly [
  title: string,
  forge: (scene: Scene) => Promise<unknown>,
  claim: ClaimName,
  why: RegExp,
  request?: Partial<VerifyRequest>,
]

/** A vendor's image with something of everything. */
const config = {
  author: 'vendor',
  config: {
    Cmd: ['sh'],
    Env: ['PATH=/bin'],
    User: 'app',
    Labels: {'org.example.vendor': 'yes'},
  },
}
const makeScene = () => attestedScene((store) => putVendor(store, 'one', {config}))

/** A row that changes the documents of the image. */
function changed(
  title: string,
  edit: (manifest: ManifestJson, config: ConfigJson) => void,
  why: RegExp,
): Row {
  return [title, (scene) => forgeImage(scene, edit), 'content', why]
}

const evil = {
  mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
  digest: digestOf(Buffer.from('evil')),
  size: 4,
}
const evilId = digestOf(Buffer.from('evil tar'))
const inConfig = /^its config differs from the vendor's in more than its slots$/
const inManifest = /^its manifest differs from the vendor's in more than its slots$/

const contents: readonly Row[] = [
  changed(
    'the first layer swapped',
    ({layers}, {rootfs}) => {
      layers[0] = evil
      rootfs.diff_ids[0] = evilId
    },
    /^layer 1 is not the vendor's$/,
  ),
  changed(
    'the second layer swapped, under its own diff ID',
    ({layers}) => (layers[1] = evil),
    /^layer 2 is not the vendor's$/,
  ),
  changed(
    'two layers that changed places',
    ({layers}, {rootfs}) => {
      layers.unshift(...layers.splice(1, 1))
      rootfs.diff_ids.unshift(...rootfs.diff_ids.splice(1, 1))
    },
    /^layer 1 is not the vendor's$/,
  ),
  changed(
    'a layer left out',
    ({layers}, {rootfs, history}) => {
      for (const list of [layers, rootfs.diff_ids, history]) list.shift()
    },
    /^it has 1 layers beside its slots, and the vendor's has 2$/,
  ),
  changed(
    'a layer added below the slot',
    ({layers}, {rootfs, history}) => {
      layers.unshift(evil)
      rootfs.diff_ids.unshift(evilId)
      history.unshift({created_by: 'evil'})
    },
    /^it has 3 layers beside its slots/,
  ),
  changed(
    'a layer added on top',
    ({layers}, {rootfs, history}) => {
      layers.push(evil)
      rootfs.diff_ids.push(evilId)
      history.push({created_by: 'evil'})
    },
    /^it has 3 layers beside its slots/,
  ),
  changed(
    'the label of the slot taken off its layer',
    (_, {config: {Labels}}) => {
      delete Labels['cvmfs_injection_tar']
      Labels['other_injection_tar'] = evilId
    },
    /^(?:its slots cannot be taken out|it has no slots)/,
  ),
  changed(
    "the label of the slot moved to the vendor's layer",
    (_, {config: {Labels}, rootfs}) => {
      Labels['cvmfs_injection_tar'] = rootfs.diff_ids[0] ?? ''
    },
    /^layer [12] is not the vendor's$/,
  ),
  changed(
    "a diff ID of the vendor's changed",
    (_, {rootfs}) => (rootfs.diff_ids[0] = evilId),
    inConfig,
  ),
  changed('another command', (_, {config: own}) => (own['Cmd'] = ['evil']), inConfig),
  changed('an entrypoint', (_, {config: own}) => (own['Entrypoint'] = ['evil']), inConfig),
  changed('another PATH', (_, {config: own}) => (own['Env'] = ['PATH=/evil']), inConfig),
  changed(
    'one more variable',
    (_, {config: own}) => (own['Env'] = ['PATH=/bin', 'LD_PRELOAD=/x']),
    inConfig,
  ),
  changed('another user', (_, {config: own}) => (own['User'] = 'root'), inConfig),
  changed('no user', (_, {config: own}) => delete own['User'], inConfig),
  changed('a working directory', (_, {config: own}) => (own['WorkingDir'] = '/evil'), inConfig),
  changed('a port', (_, {config: own}) => (own['ExposedPorts'] = {'22/tcp': {}}), inConfig),
  changed('a volume', (_, {config: own}) => (own['Volumes'] = {'/data': {}}), inConfig),
  changed('a health check', (_, {config: own}) => (own['Healthcheck'] = {Test: ['x']}), inConfig),
  changed('a trigger', (_, {config: own}) => (own['OnBuild'] = ['RUN evil']), inConfig),
  changed('a label more', (_, {config: {Labels}}) => (Labels['org.example.more'] = 'x'), inConfig),
  changed(
    "one byte of a label of the vendor's",
    (_, {config: {Labels}}) => (Labels['org.example.vendor'] = 'yet'),
    inConfig,
  ),
  changed(
    "a label of the vendor's under another name",
    (_, {config: {Labels}}) => {
      Labels['org.example.other'] = Labels['org.example.vendor'] ?? ''
      delete Labels['org.example.vendor']
    },
    inConfig,
  ),
  changed(
    'another step in the history',
    (_, {history}) => (history[0] = {created_by: 'evil'}),
    inConfig,
  ),
  changed('another processor', (_, own) => (own['architecture'] = 'arm64'), inConfig),
  changed('one byte of the author', (_, own) => (own['author'] = 'vendos'), inConfig),
  changed('a member nobody knows', (_, own) => (own['x-evil'] = 1), inConfig),
  changed('an annotation', ({annotations}) => (annotations['org.example'] = 'x'), inManifest),
  changed('a member of the manifest', (manifest) => (manifest['x-evil'] = 1), inManifest),
  changed(
    'a subject',
    (manifest) => (manifest['subject'] = {...evil, mediaType: ociIndex}),
    inManifest,
  ),
  changed(
    "another media type of the vendor's layer",
    ({layers}) => {
      const mediaType = 'application/vnd.oci.image.layer.v1.tar'
      layers[0] = {...(layers[0] ?? evil), mediaType}
    },
    inManifest,
  ),
  changed(
    "an address for the vendor's layer",
    ({layers}) => (layers[0] = {...(layers[0] ?? evil), urls: ['https://evil.example/x']}),
    inManifest,
  ),
  changed(
    "an annotation of the vendor's layer",
    ({layers}) => (layers[0] = {...(layers[0] ?? evil), annotations: {a: 'b'}}),
    inManifest,
  ),
  changed(
    'nothing that says where it is from',
    ({annotations}) => delete annotations['dev.inject.base'],
    /^it does not say which image it was made from$/,
  ),
  changed(
    'a digest that the vendor does not have',
    ({annotations}) => (annotations['dev.inject.base'] = evilId),
    /^the vendor's image sha256:\w+ is not there to compare with/,
  ),
  [
    "another image of the vendor's named",
    async (scene) => {
      const other = await putVendor(scene.vendor, 'two', {config, tag: 'v2'})
      await forgeImage(scene, ({annotations}) => (annotations['dev.inject.base'] = other.digest))
    },
    'content',
    /^layer 2 is not the vendor's$/,
  ],
  [
    'an image of another repository named, and the vendor given',
    async (scene) => {
      const other = await putVendor(scene.ours, 'two', {tag: 'other'})
      await forgeImage(scene, ({annotations}) => (annotations['dev.inject.base'] = other.digest))
    },
    'content',
    /^the vendor's repository registry\.example\/vendor\/app has no image sha256:/,
    {vendor: parseReference(`${vendorName}:v1`)},
  ],
]

/** A row that replaces the bundle by one made of it. */
function rebundled(
  title: string,
  edit: (bundle: BundleJson, scene: Scene) => unknown,
  why: RegExp,
): Row {
  const forge = async (scene: Scene) => {
    const {bundle} = await bundleOf(scene)
    const edited = await edit(bundle, scene)
    const text = typeof edited === 'string' ? edited : JSON.stringify(bundle)
    await replaceBundles(scene, Buffer.from(text))
  }
  return [title, forge, 'statement', why]
}

/** A row that replaces the statement by another one, signed by the right key. */
function restated(
  title: string,
  edit: (statement: EditableStatement, scene: Scene) => unknown,
  why: RegExp,
  request?: Partial<VerifyRequest>,
): Row {
  const forge = async (scene: Scene) => {
    const {statement} = await bundleOf(scene)
    const editable = structuredClone(statement) as unknown as EditableStatement
    const edited = await edit(editable, scene)
    const bytes = typeof edited === 'string' ? Buffer.from(edited) : encodeStatement(editable)
    await replaceBundles(scene, await scene.us.signer.sign(bytes))
  }
  return [title, forge, 'statement', why, request ?? {}]
}

interface EditableStatement {
  _type: string
  subject: {name?: string; digest: Record<string, string>}[]
  predicateType: string
  predicate: {
    buildDefinition: {
      buildType: string
      internalParameters: {images: EditableRecord[]}
    }
    runDetails: {metadata: Record<string, string>}
  }
}

interface EditableRecord {
  digest: string
  vendor: string | null
  slots: {name: string; path: string; layers: {diffId: string; digest: string}[]}[]
}

async function replaceBundles({ours, digest, ...scene}: Scene, bytes: Uint8Array) {
  const {manifest} = await taggedImage({ours, ...scene})
  await dropReferrers(ours, digest)
  await putBundle(ours, manifest.descriptor, bytes)
}

const elsewhere = /^sha256:\w+…: the statement is about another manifest$/
const unfit = /^sha256:\w+…: the signature does not fit the statement and the key$/
const nothing = /^there is no signed statement of inject$/

/** A referrer whose manifest is this one. */
function referring(
  title: string,
  make: (subject: Descriptor, blob: Descriptor) => object,
  why: RegExp,
): Row {
  const forge = async ({ours, digest, ...scene}: Scene) => {
    const {manifest} = await taggedImage({ours, ...scene})
    const {descriptor} = await bundleOf({ours, digest})
    const {mediaType, size} = manifest.descriptor
    const own = make({mediaType, digest, size}, descriptor)
    const empty = await putBlob(ours, 'application/vnd.oci.empty.v1+json', '{}')
    const put = await putManifest(ours, {
      ...{schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json'},
      ...{artifactType: bundleType, config: empty},
      annotations: {[predicateAnnotation]: provenanceType},
      ...own,
    })
    await listReferrers(ours, digest, [put])
  }
  return [title, forge, 'statement', why]
}

const certificate = makeCertificate().certificate.replaceAll(/-----[^-]+-----|\s/g, '')

const statements: readonly Row[] = [
  ['no statement', ({ours, digest}) => dropReferrers(ours, digest), 'statement', nothing],
  [
    'one that nobody signed',
    async (scene) => {
      const {manifest} = await taggedImage(scene)
      const {statement} = await bundleOf(scene)
      await dropReferrers(scene.ours, scene.digest)
      await putArtifact(
        scene.ours,
        [manifest.descriptor],
        {
          bytes: encodeStatement(statement),
          mediaType: statementType,
          annotations: {[predicateAnnotation]: provenanceType},
        },
        {},
      )
    },
    'statement',
    /^sha256:\w+… is not signed$/,
  ],
  [
    'one by another key',
    async (scene) => {
      const {statement} = await bundleOf(scene)
      await replaceBundles(scene, await makeParty().signer.sign(encodeStatement(statement)))
    },
    'statement',
    unfit,
  ],
  [
    'the statement of the image before a slot was added',
    (scene) =>
      forgeImage(scene, ({layers}, {rootfs, history, config: {Labels}}) => {
        layers.push(evil)
        rootfs.diff_ids.push(evilId)
        history.push({created_by: 'inject: evil'})
        Labels['evil_injection_tar'] = evilId
      }),
    'statement',
    elsewhere,
  ],
  [
    'the statement of the image before an edit was added to the slot',
    (scene) =>
      forgeImage(scene, (_, {config: own}) => {
        own['Cmd'] = ['evil']
        own.Labels['cvmfs_injection_before'] = JSON.stringify({cmd: ['sh']})
      }),
    'statement',
    elsewhere,
  ],
  [
    'the statement of the image before its layer was replaced',
    (scene) =>
      forgeImage(scene, ({layers}, {rootfs, config: {Labels}}) => {
        layers[2] = evil
        rootfs.diff_ids[2] = evilId
        Labels['cvmfs_injection_tar'] = evilId
      }),
    'statement',
    elsewhere,
  ],
  [
    'cosign keeps it under a tag, and it is not of this image',
    async (scene) => {
      const {bytes} = await bundleOf(scene)
      const tag = `${referrersTag(scene.digest)}.att`
      const manifest = (await scene.ours.getManifest(scene.digest))!
      await dropReferrers(scene.ours, scene.digest)
      await putBundle(scene.vendor, scene.original, bytes)
      await scene.ours.putManifest(manifest.bytes, manifest.descriptor.mediaType, {
        tags: [{tag, from: undefined}],
      })
    },
    'statement',
    nothing,
  ],
  rebundled('a bundle cut off', (bundle) => JSON.stringify(bundle).slice(0, -20), /the bundle/),
  rebundled('an empty bundle', () => '{}', /the bundle is not valid: mediaType is missing$/),
  rebundled('no bundle at all', () => 'null', /the bundle/),
  rebundled(
    'a bundle with a member twice',
    (bundle) => JSON.stringify(bundle).replace('{', '{"mediaType":"x",'),
    /the bundle has .*mediaType/,
  ),
  rebundled(
    'two signatures',
    ({dsseEnvelope: {signatures}}) => void signatures.push(...signatures),
    /signatures must have one member/,
  ),
  rebundled(
    'no signature',
    ({dsseEnvelope: {signatures}}) => void signatures.pop(),
    /signatures must have one member/,
  ),
  rebundled(
    'one byte of the statement changed',
    ({dsseEnvelope: own}) => {
      const payload = Buffer.from(own.payload, 'base64').toString()
      own.payload = Buffer.from(payload.replace('1.2.3', '1.2.4')).toString('base64')
    },
    unfit,
  ),
  rebundled(
    'a blank behind the statement',
    ({dsseEnvelope: own}) => {
      const payload = Buffer.from(own.payload, 'base64').toString()
      own.payload = Buffer.from(`${payload} `).toString('base64')
    },
    unfit,
  ),
  rebundled(
    'another type of what is signed',
    ({dsseEnvelope: own}) => void (own.payloadType = 'text/plain'),
    /what is signed is not a statement$/,
  ),
  rebundled(
    'the signature of another statement',
    async ({dsseEnvelope}, {us}) => {
      const other = await us.signer.sign(Buffer.from('{"_type":"x"}'))
      const {dsseEnvelope: own} = JSON.parse(Buffer.from(other).toString()) as BundleJson
      dsseEnvelope.signatures = own.signatures
    },
    unfit,
  ),
  rebundled(
    'a signature cut off',
    ({dsseEnvelope: {signatures}}) => {
      const [one] = signatures
      if (one) one.sig = Buffer.from(one.sig, 'base64').subarray(0, 30).toString('base64')
    },
    unfit,
  ),
  rebundled(
    'a signature of nothing',
    ({dsseEnvelope: {signatures}}) => void (signatures[0] = {sig: ''}),
    /: invalid bundle$/,
  ),
  rebundled(
    'a statement in lax base64',
    ({dsseEnvelope: own}) =>
      void (own.payload = `${own.payload.slice(0, 8)}\n${own.payload.slice(8)}`),
    /a member that is not base64$/,
  ),
  rebundled(
    'a certificate in place of a key',
    ({verificationMaterial: own}) => {
      delete own['publicKey']
      own['certificate'] = {rawBytes: certificate}
    },
    /it is signed by an identity, not by a key$/,
  ),
  rebundled(
    'a certificate beside a key',
    ({verificationMaterial: own}) => void (own['certificate'] = {rawBytes: certificate}),
    /either a key or a certificate$/,
  ),
  rebundled(
    'a certificate that cannot be read',
    ({verificationMaterial: own}) => {
      delete own['publicKey']
      own['certificate'] = {rawBytes: 'AAAA'}
    },
    /its certificate cannot be read$/,
  ),
  restated(
    'a statement about another digest',
    ({subject}) => void (subject[0] = {digest: {sha256: 'a'.repeat(64)}}),
    elsewhere,
  ),
  restated('a statement about nothing', ({subject}) => void subject.pop(), elsewhere),
  restated(
    'the digest in capitals',
    ({subject: [own]}) => void (own!.digest = {sha256: own!.digest['sha256']!.toUpperCase()}),
    elsewhere,
  ),
  restated(
    'the digest under another algorithm',
    ({subject: [own]}) => void (own!.digest = {md5: own!.digest['sha256']!}),
    elsewhere,
  ),
  restated(
    'a statement with a member twice',
    (statement) => JSON.stringify(statement).replace('{', '{"subject":[],'),
    /the statement has .*subject/,
  ),
  restated(
    'a statement of a version to come',
    (statement) => void (statement._type = 'https://in-toto.io/Statement/v9'),
    /it is of another version$/,
  ),
  restated('a statement without a predicate', () => '{"_type":"x"}', /the statement is not valid/),
  restated(
    'another kind of statement, annotated as provenance',
    (statement) => void (statement.predicateType = 'https://sigstore.dev/cosign/sign/v1'),
    /annotated as another kind of statement than it is$/,
  ),
  restated(
    'provenance that another tool signed with the key',
    ({predicate: {buildDefinition: own}}) => void (own.buildType = 'https://example.com/make'),
    nothing,
  ),
  restated(
    'a statement of tomorrow',
    ({predicate: {runDetails: own}}) => void (own.metadata['finishedOn'] = '2026-01-02T12:00:00Z'),
    /^the statement is from the future$/,
  ),
  restated('a statement that is too old', () => undefined, /^the statement is too old$/, {
    maxAge: 1800,
  }),
  restated(
    'a statement without a time',
    ({predicate: {runDetails: own}}) => delete own.metadata['finishedOn'],
    nothing,
  ),
  restated(
    'a time that cannot be read',
    ({predicate: {runDetails: own}}) => void (own.metadata['finishedOn'] = 'soon'),
    nothing,
  ),
  restated(
    'a record of another layer',
    ({predicate: {buildDefinition: own}}) => {
      own.internalParameters.images[0]!.slots[0]!.layers[0]!.digest = evilId
    },
    /^the statement records other slots$/,
  ),
  restated(
    'a record of another path',
    ({predicate: {buildDefinition: own}}) => {
      own.internalParameters.images[0]!.slots[0]!.path = '/other'
    },
    /^the statement records other slots$/,
  ),
  restated(
    "a record of another image of the vendor's",
    ({predicate: {buildDefinition: own}}) => {
      own.internalParameters.images[0]!.vendor = evilId
    },
    /^the statement records another vendor's image$/,
  ),
  restated(
    'a record of no image',
    ({predicate: {buildDefinition: own}}) => void own.internalParameters.images.pop(),
    /^the statement does not record the image$/,
  ),
  referring(
    'a referrer that says it is about another image',
    (subject, blob) => ({layers: [blob], subject: {...subject, digest: evilId}}),
    /is listed here, but its subject is another manifest$/,
  ),
  referring(
    'a referrer without a subject',
    (_, blob) => ({layers: [blob]}),
    /is listed here, but its subject is another manifest$/,
  ),
  referring(
    'a referrer with two bundles in it',
    (subject, blob) => ({layers: [blob, blob], subject}),
    /does not carry one bundle$/,
  ),
  referring(
    'a referrer with nothing in it',
    (subject) => ({layers: [], subject}),
    /does not carry one bundle$/,
  ),
  referring(
    'a bundle that is not there',
    (subject, blob) => ({layers: [{...blob, digest: evilId}], subject}),
    /sha256:\w+/,
  ),
  referring(
    'a bundle of a thousand gigabytes',
    (subject, blob) => ({layers: [{...blob, size: 1e12}], subject}),
    /is larger than 64 MiB$/,
  ),
]

/** Older signatures of cosign are kept under a tag. */
async function putOlderSignature(
  {vendor, original}: Scene,
  {key, digest = original.digest, type = 'cosign container image signature'}: OlderSignature,
) {
  const {sign} = await import('node:crypto')
  const critical = {
    identity: {'docker-reference': vendorName},
    image: {'docker-manifest-digest': digest},
    type,
  }
  const text = JSON.stringify({critical, optional: null})
  const mediaType = 'application/vnd.dev.cosign.simplesigning.v1+json'
  const payload = await putBlob(vendor, mediaType, text)
  const signature = sign('sha256', Buffer.from(text), key.privateKey).toString('base64')
  const layer = {...payload, annotations: {'dev.cosignproject.cosign/signature': signature}}
  const image = await putBlob(vendor, 'application/vnd.oci.image.config.v1+json', '{}')
  const manifest = {schemaVersion: 2, config: image, layers: [layer]}
  const bytes = Buffer.from(
    JSON.stringify({...manifest, mediaType: 'application/vnd.oci.image.manifest.v1+json'}),
  )
  await vendor.putManifest(bytes, 'application/vnd.oci.image.manifest.v1+json', {
    tags: [{tag: `${referrersTag(original.digest)}.sig`, from: undefined}],
  })
}

interface OlderSignature {
  readonly key: ReturnType<typeof makeParty>
  readonly digest?: string
  readonly type?: string
}

const older = /no older signature of cosign is by the key and of this manifest$/
const dropped = ({vendor, original}: Scene) => dropReferrers(vendor, original.digest)

const vendors: readonly Row[] = [
  ['no signature', dropped, 'vendor-signature', /: there is no signature$/],
  [
    'a signature by another key',
    async (scene) => {
      await dropped(scene)
      await putSignature(scene.vendor, scene.original, scene.us)
    },
    'vendor-signature',
    /the signature does not fit the statement and the key$/,
  ],
  [
    'a signature of another image',
    async (scene) => {
      await dropped(scene)
      await putSignature(scene.vendor, scene.original, scene.them, evilId)
    },
    'vendor-signature',
    /the statement is about another manifest$/,
  ],
  [
    'another statement with the key of the vendor',
    async (scene) => {
      await dropped(scene)
      const {statement} = await bundleOf(scene)
      const subject = [{digest: {sha256: scene.original.digest.slice(7)}}]
      const said = {...statement, subject}
      const bytes = await scene.them.signer.sign(encodeStatement(said))
      await putBundle(scene.vendor, scene.original, bytes)
    },
    'vendor-signature',
    /: there is no signature$/,
  ],
  [
    'an older signature by another key',
    async (scene) => {
      await dropped(scene)
      await putOlderSignature(scene, {key: scene.us})
    },
    'vendor-signature',
    older,
  ],
  [
    'an older signature of another image',
    async (scene) => {
      await dropped(scene)
      await putOlderSignature(scene, {key: scene.them, digest: evilId})
    },
    'vendor-signature',
    older,
  ],
  [
    'an older signature of something else',
    async (scene) => {
      await dropped(scene)
      await putOlderSignature(scene, {key: scene.them, type: 'atomic container signature'})
    },
    'vendor-signature',
    older,
  ],
  [
    'a signed image named that is not below the slots',
    async (scene) => {
      const other = await putVendor(scene.vendor, 'two', {config, tag: 'v2'})
      await putSignature(scene.vendor, other, scene.them)
      await forgeImage(scene, ({annotations}) => (annotations['dev.inject.base'] = other.digest))
    },
    'vendor-signature',
    /^it is not known which image of the vendor this is$/,
  ],
]

describe('a forgery is refused, and for the right reason', () => {
  it('and there are more than sixty', () => {
    expect(contents.length + statements.length + vendors.length + indexes.length).toBeGreaterThan(
      60,
    )
  })

  it.each(named([...contents, ...statements, ...vendors]))('%s', async (_, row) => {
    const {forge, claim, why, request} = row
    const scene = await makeScene()
    expect((await scene.check()).proven).toBe(true)
    await forge(scene)
    await expectRefusal(scene, claim, why, request)
  })
})

const named = (rows: readonly Row[]) =>
  rows.map(([title, forge, claim, why, request]) => [title, {forge, claim, why, request}] as const)

async function expectRefusal(
  scene: Scene,
  claim: ClaimName,
  why: RegExp,
  request: Partial<VerifyRequest> | undefined,
) {
  const {proven, claims} = await scene.check(request)
  expect(proven).toBe(false)
  const refused = claims.filter((each) => each.claim === claim && !each.proven)
  expect(refused.map(({detail}) => detail).join('\n')).toMatch(why)
}

const makeIndexScene = () =>
  attestedScene((store) => putVendorIndex(store, 'one', ['amd64', 'arm64']), {platforms: 'all'})

interface IndexJson {
  manifests: (Descriptor & {platform: {architecture: string}})[]
  annotations: Record<string, string>
}

/** Replaces our index, and attaches the bundle of the old one to it. */
async function forgeIndex(scene: Scene, edit: (index: IndexJson) => unknown): Promise<void> {
  const {ours, digest} = scene
  const stored = (await ours.getManifest(digest))!
  const index = JSON.parse(Buffer.from(stored.bytes).toString()) as IndexJson
  await edit(index)
  const bytes = Buffer.from(JSON.stringify(index))
  const put = await ours.putManifest(bytes, ociIndex, {tags: [{tag: 'data', from: undefined}]})
  await putBundle(ours, put, (await bundleOf(scene)).bytes)
}

const indexes: readonly Row[] = [
  [
    'the images of two platforms exchanged',
    (scene) =>
      forgeIndex(scene, ({manifests: [one, other]}) => {
        const [first, second] = [one!.platform, other!.platform]
        one!.platform = second
        other!.platform = first
      }),
    'content',
    /^the image for linux\/\w+ is not made from that of the vendor's index$/,
  ],
  [
    "an image made from another one of the vendor's",
    async (scene) => {
      await putVendor(scene.vendor, 'two', {tag: 'v2'})
      const directory = await makeTree({'cvmfs/file': 'content'})
      const [reference, to] = [`${vendorName}:v2`, `${ourName}:other`].map(parseReference)
      const made = await update(updateRequest({reference: reference!, to: to!, directory}), {
        ...scene.places,
        attest: attestBy(scene.us),
      })
      const stored = (await scene.ours.getManifest(made.digest!))!
      await forgeIndex(scene, ({manifests}) => {
        const {platform} = manifests[0]!
        manifests[0] = {...stored.descriptor, platform}
      })
    },
    'content',
    /^the image for linux\/amd64 is not made from that of the vendor's index$/,
  ],
  [
    'an image that is not made from anything',
    async (scene) => {
      const other = await putVendor(scene.ours, 'evil', {tag: 'evil'})
      await forgeIndex(scene, ({manifests}) => {
        manifests.push({...other, platform: {os: 'linux', architecture: 's390x'} as never})
      })
    },
    'content',
    /^it has no slots, and no --vendor says where it must come from$/,
  ],
  [
    'the same, and the vendor given',
    async (scene) => {
      const other = await putVendor(scene.ours, 'evil', {tag: 'evil'})
      await forgeIndex(scene, ({manifests}) => {
        manifests.push({...other, platform: {os: 'linux', architecture: 's390x'} as never})
      })
    },
    'content',
    /^the vendor's repository registry\.example\/vendor\/app has no image sha256:/,
    {vendor: parseReference(`${vendorName}:v1`)},
  ],
  [
    'an index that a statement is not about',
    (scene) => forgeIndex(scene, ({annotations}) => (annotations['x'] = 'y')),
    'statement',
    elsewhere,
  ],
  [
    'an index without one of its images',
    (scene) => forgeIndex(scene, ({manifests}) => manifests.pop()),
    'statement',
    elsewhere,
  ],
  [
    'an index that does not say where it is from',
    (scene) => forgeIndex(scene, ({annotations}) => delete annotations['dev.inject.base']),
    'content',
    /^the index does not say which index it was made from$/,
  ],
  [
    'an index that the vendor does not have',
    (scene) => forgeIndex(scene, ({annotations}) => (annotations['dev.inject.base'] = evilId)),
    'content',
    /^the vendor's index sha256:\w+ is not there to compare with$/,
  ],
]

describe('a forgery of an index is refused, and for the right reason', () => {
  it.each(named(indexes))('%s', async (_, {forge, claim, why, request}) => {
    const scene = await makeIndexScene()
    expect(await scene.check()).toMatchObject({proven: true})
    await forge(scene)
    await expectRefusal(scene, claim, why, request)
  })
})

describe('what is proven', () => {
  it('with two bundles of which one is bad, by the other one, and the bad one is named', async () => {
    const scene = await makeScene()
    const {manifest} = await taggedImage(scene)
    const {bytes, statement} = await bundleOf(scene)
    await dropReferrers(scene.ours, scene.digest)
    const bad = await makeParty().signer.sign(encodeStatement(statement))
    for (const each of [bad, bytes]) await putBundle(scene.ours, manifest.descriptor, each)
    const {proven, claims} = await scene.check()
    expect(proven).toBe(true)
    expect(claims.find(({claim}) => claim === 'statement')?.detail).toMatch(
      /^signed by key .*; not counted: sha256:\w+…: the signature does not fit/,
    )
  })

  it("of a vendor's image by an older signature of cosign", async () => {
    const scene = await makeScene()
    await dropped(scene)
    await putOlderSignature(scene, {key: scene.them})
    expect(await scene.check()).toMatchObject({proven: true})
  })

  it('when the vendor has it elsewhere, if it is named', async () => {
    const layers = vendorLayers('one', {entries: [makeEntry('more')]})
    const scene = await attestedScene((store) => putVendor(store, 'one', {layers}))
    const vendor = parseReference(`${vendorName}:v1`)
    expect(await scene.check({vendor})).toMatchObject({proven: true})
  })
})
