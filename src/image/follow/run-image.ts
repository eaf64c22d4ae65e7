import * as v from 'valibot'
import {PreconditionError} from '../../errors.js'
import {type Digest, isDigest} from '../../oci/digest.js'
import {parseJsonValue} from '../../oci/json-value.js'
import {formatPlatform, matchesPlatform, platformOf} from '../../oci/platform.js'
import {textShape} from '../../oci/shape.js'
import {setOrRemove} from '../config-edits.js'
import {editedImage} from '../edited-image.js'
import {inFamilyOf} from '../family.js'
import {countsUp, layerSteps} from '../history.js'
import type {Image} from '../image.js'
import {labelsOf} from '../labels.js'
import {
  bytesOf,
  configDescriptorEdits,
  editMembers,
  type MemberEdit,
  setMember,
  textOf,
} from '../text-edit.js'

/** The label in which Cloud Native Buildpacks describe an image. */
const metadataLabel = 'io.buildpacks.lifecycle.metadata'
const rebasableLabel = 'io.buildpacks.rebasable'
/** Labels that an image inherits from its run image. */
const copied = ['io.buildpacks.base.', 'io.buildpacks.stack.']
const distroLabels = ['io.buildpacks.base.distro.name', 'io.buildpacks.base.distro.version']

/**
 * The run image below an application's image.
 * https://github.com/buildpacks/spec/blob/platform/0.13/platform.md#iobuildpackslifecyclemetadata-json
 */
export interface RunImage {
  /** Its topmost layer. */
  readonly topLayer: Digest
  /** References that name it. */
  readonly names: readonly string[]
}

const texts = v.optional(v.array(textShape))
const metadataShape = v.object({
  runImage: v.object({
    topLayer: v.custom<Digest>(isDigest),
    image: v.optional(textShape),
    mirrors: texts,
  }),
  stack: v.optional(
    v.object({runImage: v.optional(v.object({image: v.optional(textShape), mirrors: texts}))}),
  ),
})

/** `undefined` for an image that buildpacks did not make. */
export function runImageOf(image: Image): RunImage | undefined {
  const text = labelsOf(image).get(metadataLabel)
  const value = text === undefined ? undefined : parseJsonValue(text)
  if (!v.is(metadataShape, value)) return undefined
  const {runImage, stack} = value
  const named = [runImage, stack?.runImage]
  const names = named.flatMap((each) => [each?.image ?? [], each?.mirrors ?? []].flat())
  return {topLayer: runImage.topLayer, names}
}

/**
 * Throws `PreconditionError` (`ERR_INJECT_NOT_REBASABLE`) where lifecycle would not rebase, either:
 * the image says so, or the new run image is for another platform or distribution, or is not one
 * that the image names (`isNamed`).
 */
export function refuseUnlessRebasable(image: Image, run: Image, isNamed: boolean): void {
  const why =
    labelsOf(image).get(rebasableLabel) === 'false'
      ? 'it is labelled as not rebasable'
      : (otherPlatform(image, run) ?? otherDistribution(image, run))
  const reason = why ?? (isNamed ? undefined : 'it does not name that run image or a mirror of it')
  if (reason === undefined) return
  throw new PreconditionError(
    'ERR_INJECT_NOT_REBASABLE',
    `the buildpacks image cannot be rebased onto that run image: ${reason}`,
    {hint: 'use --force if you know that it works, or build the image again'},
  )
}

/**
 * The image with another run image below it, as lifecycle does it: the layers up to `topLayer` are
 * replaced, and so are the labels that it has from there. `reference` is what the new one is
 * recorded as.
 */
export function swapRunImage(image: Image, run: Image, reference: string): Image {
  const {topLayer} = runImageOf(image) ?? {}
  const {rootfs, history = []} = image.config.value
  const top = topLayer === undefined ? -1 : rootfs.diff_ids.indexOf(topLayer)
  if (top < 0) throw lostRunImage(topLayer)
  const labels = labelsOf(image)
  const layers = [
    ...run.manifest.value.layers.map((layer) => inFamilyOf(image, layer)),
    ...image.manifest.value.layers.slice(top + 1),
  ]
  const diffIds = [...run.config.value.rootfs.diff_ids, ...rootfs.diff_ids.slice(top + 1)]
  const from = stepsBehind(image, top)
  const below = countsUp(run.config.value.history ?? [], run.manifest.value.layers.length)
  const isTold = history.length > 0 && from !== undefined && below
  const steps = isTold ? [...(run.config.value.history ?? []), ...history.slice(from)] : []
  const version = run.config.value['os.version']
  const config = bytesOf(
    editMembers(textOf(image.config), [
      {kind: 'set', path: ['rootfs', 'diff_ids'], value: diffIds},
      {kind: 'set', path: ['history'], value: steps},
      ...(version === undefined
        ? []
        : [{kind: 'set', path: ['os.version'], value: version} as const]),
      ...labelEdits(labels, run, reference),
    ]),
  )
  const manifest = editMembers(textOf(image.manifest), [
    {kind: 'set', path: ['layers'], value: layers},
    ...configDescriptorEdits(image.config, config),
  ])
  return editedImage(image, {manifest: bytesOf(manifest), config})
}

function labelEdits(
  labels: ReadonlyMap<string, string>,
  run: Image,
  reference: string,
): MemberEdit[] {
  const own = labelsOf(run)
  const isCopied = (key: string): boolean => copied.some((prefix) => key.startsWith(prefix))
  const keys = new Set([...labels.keys(), ...own.keys()].filter(isCopied))
  const topLayer = run.config.value.rootfs.diff_ids.at(-1)
  const metadata = setMember(labels.get(metadataLabel) ?? '{}', ['runImage', 'topLayer'], topLayer)
  return [
    ...[...keys].map((key) => setOrRemove(['config', 'Labels', key], own.get(key))),
    {
      kind: 'set',
      path: ['config', 'Labels', metadataLabel],
      value: setMember(metadata, ['runImage', 'reference'], reference),
    },
  ]
}

/** Where the application's part of the history begins; `undefined` if that is unknown. */
function stepsBehind({manifest, config}: Image, top: number): number | undefined {
  const steps = layerSteps(config.value.history ?? [], manifest.value.layers.length)
  const step = steps[top]
  return step === undefined ? undefined : step + 1
}

function otherPlatform(image: Image, run: Image): string | undefined {
  const [is, wanted] = [image, run].map(({config}) => platformOf(config.value))
  if (!is || !wanted || matchesPlatform({...is, 'os.version': ''}, wanted)) return undefined
  return `it is for ${formatPlatform(is)}, and the run image for ${formatPlatform(wanted)}`
}

function otherDistribution(image: Image, run: Image): string | undefined {
  const [is, wanted] = [labelsOf(image), labelsOf(run)]
  const label = distroLabels.find((key) => {
    const [one, other] = [is.get(key), wanted.get(key)]
    return one !== undefined && other !== undefined && one !== other
  })
  return label && `the label ${label} differs`
}

function lostRunImage(topLayer: string | undefined): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_NOT_REBASABLE',
    topLayer === undefined
      ? 'the image was not made by buildpacks: it does not name its run image'
      : `the image has no layer ${topLayer}, which its label names as the last one of its run image`,
    {hint: 'build the image again'},
  )
}
