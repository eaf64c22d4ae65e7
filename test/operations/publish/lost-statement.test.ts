import {expect, it} from 'vitest'
import {parseReference} from '../../../src/oci/names/reference.js'
import {readReferrers} from '../../../src/operations/attest/read-referrers.js'
import {rebase} from '../../../src/operations/rebase.js'
import {rollback} from '../../../src/operations/rollback.js'
import {update} from '../../../src/operations/update.js'
import {
  attestBy,
  attestedScene,
  ourName,
  putBundle,
  type Scene,
  vendorName,
} from '../../support/attested.js'
import {injectionRequest, updateRequest} from '../../support/update-options.js'
import {makeTree, putVendor, putVendorIndex} from '../../support/vendor.js'

const ours = parseReference(`${ourName}:data`)
const unattested = /has a statement of how it was made, and the new one has none: .*--attest/

async function updated(scene: Scene, content: string, from = ours) {
  const directory = await makeTree({'cvmfs/file': content})
  return update(updateRequest({reference: from, to: ours, directory}), scene.places)
}

async function rebased({places, us}: Scene, attests: boolean) {
  const {target, publish} = injectionRequest()
  const request = {image: {reference: ours}, target, publish, force: false} as const
  const ports = attests ? {...places, attest: attestBy(us)} : places
  return rebase({...request, platforms: 'intersect', look: 'none'}, ports)
}

const warnings = ({places}: Scene) => places.said.filter((each) => unattested.test(each))

it.each([
  ['a rebase', rebased],
  ['an update', (scene: Scene) => updated(scene, 'other')],
  [
    "an update of the vendor's image",
    (scene: Scene) => updated(scene, 'other', parseReference(`${vendorName}:v1`)),
  ],
] as const)('%s without --attest says that the statement is lost, once', async (_, run) => {
  const scene = await attestedScene((store) => putVendor(store, 'one'))
  await putVendor(scene.vendor, 'two')
  await run(scene, false)
  expect(warnings(scene)).toHaveLength(1)
  expect(warnings(scene)[0]).toContain(scene.digest)
  await updated(scene, 'third')
  expect(warnings(scene)).toHaveLength(1)
})

it('an index and its statement are told of in the same way', async () => {
  const scene = await attestedScene((store) => putVendorIndex(store, 'one', ['amd64', 'arm64']), {
    platforms: 'all',
  })
  await putVendorIndex(scene.vendor, 'two', ['amd64', 'arm64'])
  await rebased(scene, false)
  expect(warnings(scene)).toHaveLength(1)
})

it('nothing is said by a run that attests, or of an image that stays', async () => {
  const scene = await attestedScene((store) => putVendor(store, 'one'))
  await updated(scene, 'content')
  await rebased(scene, false)
  await putVendor(scene.vendor, 'two')
  const {digest} = await rebased(scene, true)
  expect(await readReferrers(scene.ours, digest!, {})).toHaveLength(1)
  expect(warnings(scene)).toEqual([])
})

it('a rollback tells of it, unless the image of before has a statement, too', async () => {
  const scene = await attestedScene((store) => putVendor(store, 'one'))
  const back = async (digest: string) => {
    const reference = parseReference(`${ourName}@${digest}`)
    const to = {kind: 'digest', digest: reference.digest!} as const
    await rollback({reference: ours, to, tags: [], dryRun: false}, scene.places)
  }
  const {digest} = await updated(scene, 'other')
  scene.places.said.splice(0)
  await back(scene.digest)
  expect(warnings(scene)).toEqual([])
  await back(digest!)
  expect(warnings(scene)).toHaveLength(1)
})

it('a signature of the image, which is made after a run, does not count', async () => {
  const scene = await attestedScene((store) => putVendor(store, 'one'))
  const {digest} = await updated(scene, 'other')
  scene.places.said.splice(0)
  const stored = await scene.ours.getManifest(digest!)
  const type = 'https://sigstore.dev/cosign/sign/v1'
  await putBundle(scene.ours, stored!.descriptor, Buffer.from('{}'), type)
  await updated(scene, 'third')
  expect(warnings(scene)).toEqual([])
})
