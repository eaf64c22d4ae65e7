import type {ContentStore} from '../../store/content-store.js'
import type {RunNote} from '../../image/follow/run-note.js'
import type {Ports} from '../../ports.js'
import type {MadeDocument} from '../attest/attest-document.js'
import {attestIfAsked} from '../attest/attest-if-asked.js'
import type {FoundDocument} from '../find/find-document.js'
import {type ConfigUpload, createConfigUpload} from '../publish/config-upload.js'
import type {ChangedDocument} from '../publish/publish.js'
import {outstanding, refuseClobber, type TagLooks} from '../publish/tag-moves.js'
import {publishKeeping} from '../publish/keep-replaced.js'
import {warnOfLostStatement} from '../publish/lost-statement.js'
import {noteOfRun, withFittingNote} from '../publish/run-notes.js'
import type {SlotFacts, StoredContent} from '../slot/content.js'
import type {ContentOf} from '../slot/group.js'
import {noticeWholeLayer, saidOnce, warnOfEmptiness} from '../slot/notices.js'
import {refuseEmptiness} from '../slot/refuse-emptiness.js'
import type {GroupPlan, PlannedGroup} from '../slot/plan-group.js'
import {restoreGroup, storeGroup} from '../slot/store-group.js'
import {describeImage, type InjectionResult} from './describe-image.js'
import {describeIndex, type IndexInjectionResult} from './describe-index.js'
import {type InjectedDocument, injectedDocument, isNotedInIndex} from './injected-document.js'
import type {InjectedImage} from './injected-image.js'
import {createMakeImage, type MakeImage} from './make-image.js'
import {type InjectionPlan, planInjection} from './plan.js'
import type {InjectionRequest} from './request.js'

/** Adds content to the chosen images of a document, one round after the other. */
export interface InjectionRounds {
  /**
   * Adds the content to the images of the document and moves the tags to the result: each layer is
   * pushed once, and the tags move once. A later round does not repeat uploads and messages of an
   * earlier round. `looks` must be current.
   */
  inject(found: FoundDocument, looks?: TagLooks): Promise<InjectionResult | IndexInjectionResult>
  /** Stops the work in progress, and resolves when it has stopped. */
  close(): Promise<void>
}

/** What all rounds share. */
interface Rounds {
  readonly store: ContentStore
  readonly request: InjectionRequest
  readonly makeImage: MakeImage
  readonly configUpload: ConfigUpload
  readonly ports: Ports
}

/** Rounds of one injection into one place. `contentOf` gives the content for each image. */
export function createInjectionRounds(
  store: ContentStore,
  request: InjectionRequest,
  contentOf: ContentOf,
  ports: Ports,
): InjectionRounds {
  const makeImage = createMakeImage(request)
  const configUpload = createConfigUpload(store, {signal: ports.signal})
  const rounds: Rounds = {store, request, makeImage, configUpload, ports: saidOnce(ports)}
  const stored = new Map<string, StoredContent>()
  return {
    async inject(found, looks) {
      const content = {contentOf, stored, looks}
      const digestOf = (made: InjectionPlan) => documentOf(rounds, made).outermost.descriptor.digest
      const options = {request, ...content, digestOf}
      const plan = await planInjection(store, found, options, rounds.ports)
      plan.groups.forEach(refuseEmptiness)
      const planned = documentOf(rounds, plan)
      refuseOverwriting(rounds, plan, planned)
      if (request.publish.dryRun) {
        const {digest} = planned.outermost.descriptor
        const moves = planned.isKnown ? outstanding(plan.moves, digest) : plan.moves
        return describe(
          request,
          planned,
          moves.map(({tag}) => tag),
        )
      }
      const groups = await storeGroups(rounds, plan)
      for (const {
        key,
        plan: {stored: packed},
      } of groups)
        stored.set(key, packed)
      const result = await publishPlan(rounds, {...plan, groups})
      for (const {content} of groups) await content.memory?.save()
      return result
    },
    close: () => configUpload.close(),
  }
}

type StoredGroup = PlannedGroup & {readonly plan: Extract<GroupPlan, {kind: 'stored'}>}

/** A plan with all of its layers in the store. */
type StoredPlan = Omit<InjectionPlan, 'groups'> & {readonly groups: readonly StoredGroup[]}

/** The document that a plan makes. */
function documentOf(rounds: Rounds, plan: InjectionPlan): InjectedDocument {
  const {request, makeImage, ports} = rounds
  const maker = {makeImage, describeInIndex: ports.attest?.describeInIndex}
  return withFittingNote(plan, noteOf(rounds, plan), (note) =>
    injectedDocument(plan, request, maker, note),
  )
}

/** The note of a run, with what is known of the content if that is the same for all images. */
function noteOf(
  {request, ports}: Pick<Rounds, 'request' | 'ports'>,
  {replaced, loaded, groups}: Pick<InjectionPlan, 'replaced' | 'loaded' | 'groups'>,
  packed?: SlotFacts,
): RunNote | undefined {
  const [only, ...others] = groups
  const content = others.length > 0 ? undefined : (packed ?? (only && contentOf(only.plan)))
  const run = {note: request.publish.note, version: ports.version}
  return noteOfRun(run, replaced, loaded.name, content)
}

function contentOf(plan: GroupPlan): Partial<SlotFacts> {
  return plan.kind === 'stored' ? plan.stored.content : plan.content
}

/** The groups with all of their layers in the store. */
async function storeGroups(
  {store, request, makeImage, configUpload, ports}: Rounds,
  planned: InjectionPlan,
): Promise<readonly StoredGroup[]> {
  const {groups, loaded} = planned
  const hasNotes = isNotedInIndex(loaded, request.layer, ports.attest?.describeInIndex)
  const {image, layer, publish} = request
  const {compression, level} = layer
  const done: StoredGroup[] = []
  for (const group of groups) {
    const {targets, content, plan} = group
    if (plan.kind === 'stored') {
      done.push({...group, plan})
      continue
    }
    const {known, isStanding} = plan
    const stored = await storeGroup(
      store,
      group,
      {
        compression,
        level,
        known,
        isStanding,
        // a registry reports a missing layer when the image is put; checking each layer beforehand
        // takes as long as hashing it
        restores: image.reference.kind === 'registry',
        onPacked({layer: packed, content: facts}) {
          // one job means one thing at a time, and with --no-clobber this image might not be wanted
          if (ports.jobs === 1 || publish.noClobber) return
          const packedContent = {layers: [packed], content: facts}
          const note = hasNotes ? undefined : noteOf({request, ports}, planned, facts)
          for (const target of targets)
            configUpload.begin(makeImage(target, content, packedContent, note))
        },
      },
      ports,
    )
    const packed = {...group, plan: {kind: 'stored', stored}} as const
    refuseEmptiness(packed)
    warnOfEmptiness(content, ports)
    if (layer.sharding === undefined) noticeWholeLayer(stored, plan.share, ports)
    done.push(packed)
  }
  return done
}

async function publishPlan(
  rounds: Rounds,
  plan: StoredPlan,
): Promise<InjectionResult | IndexInjectionResult> {
  const {store, request, configUpload, ports} = rounds
  const document = documentOf(rounds, plan)
  refuseOverwriting(rounds, plan, document)
  const changed = changedDocument(rounds, plan, document)
  const attestation = await attestIfAsked(store, madeDocument(rounds, plan, changed), ports)
  const {digest} = document.outermost.descriptor
  if (outstanding(plan.moves, digest).length > 0)
    ports.report({kind: 'step', step: 'publish', on: store.name})
  const publication = {changed, moves: plan.moves, request, configUpload}
  const tags = await publishKeeping(store, publication, ports)
  await warnOfLostStatement(store, {digest, moves: ownMoves(plan, document)}, ports)
  return {...describe(request, document, tags), ...(attestation && {attestation})}
}

/**
 * The moves of tags from images of ours. What refers to an image that got its first slot is left to
 * `warnOfReferrers`.
 */
function ownMoves(
  {base, moves}: Pick<StoredPlan, 'base' | 'moves'>,
  document: InjectedDocument,
): StoredPlan['moves'] {
  const images = document.kind === 'image' ? [document.image] : document.images
  const isFirst = images.some(({action}) => action === 'added')
  return isFirst ? moves.filter(({from}) => from !== base) : moves
}

/** What the run made, to be attested. */
function madeDocument(
  {request: {image, target}}: Rounds,
  {base, moves}: StoredPlan,
  {outermost, images}: ChangedDocument,
): MadeDocument {
  const place = target.to ?? image.reference
  const from = {reference: image.reference, digest: base}
  const isKnown = outstanding(moves, outermost.descriptor.digest).length === 0
  return {outermost, images: images.map(({after}) => after), place, from, isKnown}
}

function changedDocument(
  {store, request, ports}: Rounds,
  {groups, converted}: StoredPlan,
  document: InjectedDocument,
): ChangedDocument {
  const {compression, level} = request.layer
  const changedImage = (injected: InjectedImage) => {
    const {target, kind} = injected
    const group = groups.find(({targets}) => targets.includes(target))
    const restore = async (): Promise<boolean> => {
      if (!group || group.content.linked) return false
      const {layers} = group.plan.stored
      return restoreGroup(store, group, {layers, compression, level}, ports)
    }
    return {before: target.image, after: kind === 'made' ? injected.result : target.image, restore}
  }
  const {outermost} = document
  if (document.kind === 'image')
    return {outermost, images: [changedImage(document.image)], indexes: []}
  const images = [...document.images.map(changedImage), ...converted]
  const {indexes, attestations} = document
  return {outermost, images, indexes, attestations}
}

/** Throws what `refuseClobber` throws, if existing tags must not be overwritten. */
function refuseOverwriting(
  {store, request}: Rounds,
  {moves}: Pick<InjectionPlan, 'moves'>,
  {isKnown, outermost}: InjectedDocument,
): void {
  if (!request.publish.noClobber) return
  refuseClobber(moves, isKnown ? outermost.descriptor.digest : undefined, store.name)
}

function describe(
  request: InjectionRequest,
  document: InjectedDocument,
  tags: readonly string[],
): InjectionResult | IndexInjectionResult {
  return document.kind === 'image'
    ? describeImage(request, document, tags)
    : describeIndex(request, document, tags)
}
