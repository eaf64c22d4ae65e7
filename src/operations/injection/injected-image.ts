import {type RunNote, withNote} from '../../image/follow/run-note.js'
import type {Image, Layer} from '../../image/image.js'
import {hasLayers} from '../../image/slot.js'
import type {SuitableTarget} from '../find/suitable-image.js'
import {nothingSent, type SentLayers, type SlotFacts} from '../slot/content.js'
import type {PlannedGroup} from '../slot/plan-group.js'
import type {MakeImage} from './make-image.js'

/**
 * What happened to the slot: it was added, its content was replaced, or it was left as it was, with
 * or without a change to the image's config.
 */
export type SlotAction = 'added' | 'replaced' | 'unchanged' | 'edited'

interface InjectedFacts {
  readonly target: SuitableTarget
  /** Where in the image the slot's content goes. */
  readonly path: string
  readonly action: SlotAction
  /** How many layers the slot has, or would have. */
  readonly count: number
  /** What is known about the content. */
  readonly content: Partial<SlotFacts>
  readonly uploaded: boolean
  /** What was sent for it, or would be sent. */
  readonly sent: SentLayers
}

/** One image, before and after. */
export type InjectedImage =
  | (InjectedFacts & {
      readonly kind: 'made'
      readonly result: Image
      /** Lowest first. */
      readonly layers: readonly Layer[]
    })
  /** In a dry run that would have to pack. */
  | (InjectedFacts & {readonly kind: 'planned'})

/** The images of a group, as far as they are known. */
export function injectGroup(
  group: PlannedGroup,
  makeImage: MakeImage,
  note: RunNote | undefined,
): InjectedImage[] {
  const {targets, content, plan} = group
  const {path} = content
  return targets.map((target) => {
    const {image, slot} = target
    if (plan.kind === 'missing') {
      const action = slot ? 'replaced' : 'added'
      const {count, content: facts, unsent: sent} = plan
      return {kind: 'planned', target, path, action, count, content: facts, uploaded: false, sent}
    }
    const {layers} = plan.stored
    const result = makeImage(target, content, plan.stored, note)
    const isSame = hasLayers(slot, layers) && path === slot?.path
    const action = actionOn(image, result, isSame ? 'unchanged' : slot ? 'replaced' : 'added')
    return {kind: 'made', target, path, action, count: layers.length, result, ...plan.stored}
  })
}

/** An image whose slot stays as it is, though the image itself may be converted. */
export function keepImage(target: SuitableTarget, note: RunNote | undefined): InjectedImage {
  const {image, suitable, slot} = target
  const result = suitable === image ? image : withNote(suitable, note)
  const layers = slot?.layers ?? []
  return {
    kind: 'made',
    target,
    path: slot?.path ?? '/',
    action: actionOn(image, suitable, 'unchanged'),
    result,
    layers,
    count: layers.length,
    content: slot && layers.length === 1 ? {diffId: slot.diffId} : {},
    uploaded: false,
    sent: nothingSent,
  }
}

/** The content may be unchanged while the config changes. */
function actionOn(image: Image, result: Image, planned: SlotAction): SlotAction {
  if (result === image) return 'unchanged'
  return planned === 'unchanged' ? 'edited' : planned
}
