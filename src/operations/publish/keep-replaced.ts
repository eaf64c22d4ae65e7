import {NotFoundError, unlessFailed, UsageError} from '../../errors.js'
import {type Digest, isDigest} from '../../oci/digest.js'
import {isTag} from '../../oci/names/tag.js'
import {quoted} from '../../oci/quoted.js'
import type {Ports} from '../../ports.js'
import type {ContentStore, TagMove} from '../../store/content-store.js'
import {canDeleteTags} from '../../store/tag-deleter.js'
import type {ConfigUpload} from './config-upload.js'
import {type ChangedDocument, publish} from './publish.js'
import type {KeepRequest, PublishRequest} from './publish-request.js'
import {outstanding} from './tag-moves.js'

/** What the tags of kept documents look like by default. */
export const defaultTemplate = '{tag}-inject-{n}'

/** What is about to be published. */
export interface Publication {
  readonly changed: Pick<ChangedDocument, 'outermost'>
  readonly moves: readonly TagMove[]
  readonly request: {readonly publish: PublishRequest}
}

/** Documents that have been given tags of their own. */
export interface KeptDocuments {
  /** Deletes tags of documents beyond those that are to be kept, once the tags have moved. */
  dropOld(): Promise<void>
}

/**
 * Gives what the tags name now a tag of its own, if that was asked for: before they move, so that
 * a registry never sees it without one. Numbers go up; a document that has the latest number keeps
 * that. Throws `UsageError` (`ERR_INJECT_TAG_INVALID`) for a template that gives no tags.
 */
export async function keepReplaced(
  store: ContentStore,
  {changed, moves, request: {publish: how}}: Publication,
  ports: Pick<Ports, 'report' | 'signal'>,
): Promise<KeptDocuments> {
  const {keep} = how
  const leaving = outstanding(moves, changed.outermost.descriptor.digest)
  if (!keep || leaving.length === 0) return {dropOld: () => Promise.resolve()}
  const tags = await allTags(store, ports.signal)
  const old: string[] = []
  for (const {tag, from} of leaving) {
    if (!isDigest(from)) continue
    const known = numbered(tags, tag, keep)
    const latest = known.at(-1)
    const number = (latest?.number ?? 0) + 1
    const isKept = latest && (await store.statManifest(latest.tag, ports)) === from
    if (!isKept) await addTag(store, from, tagFor(tag, number, keep), ports)
    const least = (isKept ? number - 1 : number) - keep.count
    old.push(...known.filter((each) => each.number <= least).map((each) => each.tag))
  }
  return {dropOld: () => drop(store, old, changed.outermost.descriptor.digest, ports)}
}

/** `publish`, with what it replaces kept if that was asked for. */
export async function publishKeeping(
  store: ContentStore,
  publication: Publication & {
    readonly changed: ChangedDocument
    readonly configUpload?: ConfigUpload | undefined
  },
  ports: Pick<Ports, 'report' | 'signal'>,
): Promise<readonly string[]> {
  const {changed, moves, configUpload} = publication
  const kept = await keepReplaced(store, publication, ports)
  const tags = await publish(store, changed, moves, {signal: ports.signal, configUpload})
  await kept.dropOld()
  return tags
}

/** A tag of a kept document. */
interface NumberedTag {
  readonly tag: string
  readonly number: number
}

/** The tags that keep documents of `tag`, by their numbers. */
function numbered(tags: readonly string[], tag: string, {template}: KeepRequest): NumberedTag[] {
  const [start = '', end = ''] = template.replaceAll('{tag}', tag).split('{n}')
  return tags
    .flatMap((each) => {
      const isOne = each.startsWith(start) && each.endsWith(end)
      const text = isOne ? each.slice(start.length, each.length - end.length) : ''
      return /^[1-9]\d{0,8}$/.test(text) ? [{tag: each, number: Number(text)}] : []
    })
    .sort((a, b) => a.number - b.number)
}

function tagFor(tag: string, number: number, {template}: KeepRequest): string {
  const name = template.replaceAll('{tag}', tag).replaceAll('{n}', String(number))
  if (isTag(name) && name !== tag && template.split('{n}').length === 2) return name
  throw new UsageError('ERR_INJECT_TAG_INVALID', `${quoted(template)} gives no tags`, {
    hint: `write it as ${defaultTemplate}, with {n} once, for a tag of at most 128 characters`,
  })
}

async function addTag(
  store: ContentStore,
  digest: Digest,
  tag: string,
  {signal}: Pick<Ports, 'signal'>,
): Promise<void> {
  const stored = await store.getManifest(digest, {signal})
  if (!stored) {
    throw new NotFoundError(
      'ERR_INJECT_IMAGE_NOT_FOUND',
      `${store.name} no longer has ${digest}, which was to be kept as ${quoted(tag)}`,
      {hint: 'run again: the tag may have been moved meanwhile'},
    )
  }
  const tags = [{tag, from: 'absent'}] as const
  await store.putManifest(stored.bytes, stored.descriptor.mediaType, {tags, signal})
}

/**
 * A registry may take the deletion of a tag for one of its manifest: what is in use is left. The
 * tags have moved by now, so a failure is no more than a message.
 */
async function drop(
  store: ContentStore,
  tags: readonly string[],
  current: Digest,
  {report, signal}: Pick<Ports, 'report' | 'signal'>,
): Promise<void> {
  const left: string[] = []
  for (const tag of tags) {
    const outcome = await unlessFailed(async () => {
      if ((await store.statManifest(tag, {signal})) === current) return 'in use'
      return canDeleteTags(store) ? store.deleteTag(tag, {signal}) : 'refused'
    })
    if (outcome === undefined || outcome === 'refused') left.push(tag)
  }
  if (left.length === 0) return
  const message = `old tags were not deleted in ${store.name}: ${left.slice(0, 5).join(', ')}${left.length > 5 ? ', …' : ''}`
  report({kind: 'notice', message})
}

async function allTags(store: ContentStore, signal: AbortSignal): Promise<readonly string[]> {
  const tags: string[] = []
  for await (const tag of store.listTags({signal})) tags.push(tag)
  return tags
}
