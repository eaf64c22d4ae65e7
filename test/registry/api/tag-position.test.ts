import {describe, expect, it} from 'vitest'
import {TimeLimitError} from '../../../src/errors.js'
import {digestOf} from '../../../src/oci/digest.js'
import {ociManifest} from '../../../src/oci/media-type.js'
import {parseReference} from '../../../src/oci/names/reference.js'
import {planTagMoves} from '../../../src/operations/publish/tag-moves.js'
import {createFakeRegistry, type FakeRegistry} from '../../support/fake-registry.js'
import {type Answer, type SeenRequest, startFakeServer} from '../../support/fake-server.js'
import {openRegistry} from '../../support/open-registry.js'

const before = Buffer.from('{"schemaVersion":2}')
const after = Buffer.from('{"schemaVersion":2,"after":true}')
const theirs = Buffer.from('{"schemaVersion":2,"theirs":true}')
const beforeDigest = digestOf(before)
const afterDigest = digestOf(after)
const theirDigest = digestOf(theirs)

type Fault = (
  request: SeenRequest,
  registry: FakeRegistry,
) => Answer | undefined | Promise<Answer | undefined>

/** A registry with `v1` at `before`, and a move of it to `after`, or of `new` to `after`. */
async function start(fault: Fault, signal?: AbortSignal) {
  const registry: FakeRegistry = createFakeRegistry({fault: (request) => fault(request, registry)})
  for (const bytes of [before, theirs])
    registry.manifests.set(digestOf(bytes), {bytes, mediaType: ociManifest})
  registry.tags.set('v1', beforeDigest)
  const server = await startFakeServer(registry.handler)
  const opened = openRegistry(server.address, {signal})
  const move = (tag = 'v1') => {
    const from = tag === 'v1' ? beforeDigest : ('absent' as const)
    return opened.store.putManifest(after, ociManifest, {tags: [{tag, from}]})
  }
  return {...opened, registry, server, move}
}

const head = (digest: string): Answer => ({headers: {'docker-content-digest': digest}})

describe('P9 a registry that answers with what was there before our PUT', () => {
  /**
   * `v1` (or `new`) looks as it was before for so many requests after the PUT, by HEAD and by GET.
   */
  function stale(times: number): Fault {
    let isPut = false
    let seen = 0
    return ({method, path}) => {
      if (method === 'PUT') isPut = true
      if (!isPut || method === 'PUT' || seen++ >= times) return undefined
      if (path.endsWith('/new')) return {status: 404}
      const body = method === 'GET' ? {body: before} : {}
      return {
        headers: {'docker-content-digest': beforeDigest, 'content-type': ociManifest},
        ...body,
      }
    }
  }

  it.each(['v1', 'new'])('is asked again until it has %s', async (tag) => {
    const {move, registry, delays} = await start(stale(6))
    await move(tag)
    expect(registry.tags.get(tag)).toBe(afterDigest)
    expect(delays).toEqual([250, 500, 1000])
  })

  it('is asked for some seconds in all, with growing pauses, before it is a conflict', async () => {
    const {move, delays} = await start(stale(Infinity))
    await expect(move()).rejects.toMatchObject({
      code: 'ERR_INJECT_TAG_MOVED',
      expected: afterDigest,
      found: beforeDigest,
    })
    expect(delays).toEqual([250, 500, 1000, 2000, 4000])
  })

  it('is not waited for when somebody else moved the tag', async () => {
    const {move, delays} = await start(({method}, {tags}) => {
      if (method === 'HEAD' && tags.get('v1') === afterDigest) tags.set('v1', theirDigest)
      return undefined
    })
    await expect(move()).rejects.toMatchObject({found: theirDigest})
    expect(delays).toEqual([])
  })

  it.each([200, 202, 204])('is asked again after a PUT that answers %i', async (status) => {
    const {move, delays} = await start((request, registry) => {
      const {method, path, body} = request
      if (method === 'PUT') {
        const tag = path.slice(path.lastIndexOf('/') + 1)
        registry.manifests.set(afterDigest, {bytes: body, mediaType: ociManifest})
        registry.uploads.set(tag, Buffer.alloc(0))
        return {status}
      }
      // it is stored a moment later
      if (registry.uploads.size > 0 && delays.length > 1) registry.tags.set('v1', afterDigest)
      return undefined
    })
    await move()
    expect(delays).toEqual([250, 500])
  })

  it('does not keep anyone who interrupts it', async () => {
    const controller = new AbortController()
    const {store, registry} = await start(stale(Infinity))
    const tags = [{tag: 'v1', from: beforeDigest}]
    const run = store.putManifest(after, ociManifest, {tags, signal: controller.signal})
    controller.abort(new DOMException('interrupted by SIGTERM', 'AbortError'))
    await expect(run).rejects.toThrow(/interrupted by SIGTERM/)
    expect(registry.tags.get('v1')).toBe(beforeDigest)
  })
})

describe('P10 before a tag is called gone or moved, a GET is asked', () => {
  const badHeads: readonly (readonly [string, (digest: string | undefined) => Answer])[] = [
    ['404', () => ({status: 404})],
    ['the digest of something else', () => head(theirDigest)],
    ['no digest', () => ({status: 200})],
    ['405', () => ({status: 405})],
    ['no digest that is one', () => head('sha256:abc')],
  ]

  it.each(badHeads)('where HEAD of a tag answers %s', async (_, answer) => {
    const {move, registry} = await start(({method, path}, {tags}) =>
      method === 'HEAD' ? answer(tags.get(path.slice(path.lastIndexOf('/') + 1))) : undefined,
    )
    await move()
    expect(registry.tags.get('v1')).toBe(afterDigest)
  })

  it.each(badHeads)('and a real move is still found: %s', async (_, answer) => {
    const {move, registry} = await start(({method}, {tags}) => {
      tags.set('v1', theirDigest)
      return method === 'HEAD' ? answer(theirDigest) : undefined
    })
    await expect(move()).rejects.toMatchObject({code: 'ERR_INJECT_TAG_MOVED', found: theirDigest})
    expect(registry.tags.get('v1')).toBe(theirDigest)
  })

  it('a tag whose HEAD answers 404 is not taken for a new one', async () => {
    const {store} = await start(({method}) => (method === 'HEAD' ? {status: 404} : undefined))
    expect(await store.statManifest('v1')).toBe(beforeDigest)
    const reference = parseReference('registry.example/team/app:other')
    const from = {digest: theirDigest, tag: 'other'}
    const {signal} = new AbortController()
    expect(await planTagMoves(store, {reference, tags: ['v1'], from}, signal)).toEqual([
      {tag: 'v1', from: beforeDigest},
    ])
  })

  it('what a GET cannot tell is an error, and not a conflict', async () => {
    const {store} = await start(({method}) => ({status: method === 'HEAD' ? 404 : 500}))
    await expect(store.statManifest('v1')).rejects.toMatchObject({name: 'NetworkError'})
  })

  it('a tag in sha512 is the same in sha256', async () => {
    const {move, registry} = await start(({method}, {tags}) => {
      const bytes = tags.get('v1') === afterDigest ? after : before
      return method === 'HEAD' ? head(digestOf(bytes, 'sha512')) : undefined
    })
    await move()
    expect(registry.tags.get('v1')).toBe(afterDigest)
  })
})

describe('A13 anyone who is interrupted while a tag moves is told where it is', () => {
  const reasons = [
    ['a signal', new DOMException('interrupted by SIGTERM', 'AbortError'), 'AbortError'],
    ['--timeout', new TimeLimitError('ERR_INJECT_TIMED_OUT', 'not done in 1 s'), 'TimeLimitError'],
  ] as const

  describe.each(reasons)('by %s', (_, reason, name) => {
    it.each([
      [
        'has moved, and the answer is held',
        'held',
        `tag "v1" of .* has moved: it is ${afterDigest}`,
      ],
      ['moves a moment later', 'later', `tag "v1" of .* has moved: it is ${afterDigest}`],
      ['never comes to it', 'never', `tag "v1" of .* has not moved so far: it is ${beforeDigest}`],
      ['dies', 'dies', 'whether tag "v1" of .* has moved is not known: .*'],
      ['answers nothing any more', 'mute', 'whether tag "v1" of .* has moved is not known: .*'],
    ] as const)('when the registry %s', async (_title, kind, text) => {
      const controller = new AbortController()
      let looks = 0
      const {move, server} = await start(({method, body}, registry) => {
        if (method === 'PUT') {
          if (kind === 'held') {
            registry.manifests.set(afterDigest, {bytes: body, mediaType: ociManifest})
            registry.tags.set('v1', afterDigest)
          }
          if (kind === 'dies') void server.close()
          controller.abort(reason)
          return {stall: true}
        }
        if (!controller.signal.aborted) return undefined
        if (kind === 'later' && ++looks === 3) {
          registry.manifests.set(afterDigest, {bytes: after, mediaType: ociManifest})
          registry.tags.set('v1', afterDigest)
        }
        return kind === 'mute' ? {stall: true} : undefined
      }, controller.signal)
      await expect(move()).rejects.toMatchObject({
        name,
        message: expect.stringMatching(new RegExp(`^${reason.message}; ${text}$`)) as string,
      })
    })
  })

  it('says which tags moved before', async () => {
    const controller = new AbortController()
    const {store} = await start(({path, method}) => {
      if (method !== 'PUT' || !path.endsWith('/b')) return undefined
      controller.abort(reasons[0][1])
      return {stall: true}
    }, controller.signal)
    const tags = ['a', 'b', 'c'].map((tag) => ({tag, from: 'absent' as const}))
    await expect(store.putManifest(after, ociManifest, {tags})).rejects.toThrow(
      /interrupted by SIGTERM; tag "b" of .* has not moved so far: it does not exist; moved before that: "a"$/,
    )
  })

  it('says it of a conflict, too', async () => {
    const {store} = await start(({path, method}, registry) => {
      if (method === 'PUT' && path.endsWith('/b')) registry.tags.set('b', theirDigest)
      return method === 'PUT' && path.endsWith('/b') ? {status: 412} : undefined
    })
    const tags = ['a', 'b'].map((tag) => ({tag, from: 'absent' as const}))
    await expect(store.putManifest(after, ociManifest, {tags})).rejects.toMatchObject({
      code: 'ERR_INJECT_TAG_MOVED',
      found: theirDigest,
      message: expect.stringMatching(/; moved before that: "a"$/) as string,
    })
  })

  it('says it of a connection that is lost for good', async () => {
    const {move} = await start(({method, body}, registry) => {
      if (method !== 'PUT')
        return registry.tags.get('v1') === afterDigest ? {reset: true} : undefined
      registry.manifests.set(afterDigest, {bytes: body, mediaType: ociManifest})
      registry.tags.set('v1', afterDigest)
      return {reset: true}
    })
    await expect(move()).rejects.toMatchObject({
      name: 'NetworkError',
      message: expect.stringMatching(
        /; whether tag "v1" of .* has moved is not known: inject inspect/,
      ) as string,
    })
  })

  it('asks a busy registry for nothing more', async () => {
    const {move, server} = await start(({method}) =>
      method === 'PUT' ? {status: 429, headers: {'retry-after': '3600'}} : undefined,
    )
    await expect(move()).rejects.toMatchObject({code: 'ERR_INJECT_RATE_LIMITED'})
    expect(server.requests.at(-1)?.method).toBe('PUT')
  })
})
