import {mkdirSync, utimesSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {Digest} from '../../src/oci/digest.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {history} from '../../src/operations/history.js'
import type {KeepRequest} from '../../src/operations/publish/publish-request.js'
import {remove} from '../../src/operations/remove.js'
import {rollback} from '../../src/operations/rollback.js'
import {update} from '../../src/operations/update.js'
import {runs} from '../support/property-runs.js'
import {severalPlaces} from '../support/several-places.js'
import {tempDir} from '../support/temp-dir.js'
import {injectionRequest, type UpdateOptions, updateRequest} from '../support/update-options.js'
import {putVendor} from '../support/vendor.js'

const repository = 'registry.example/team/app'
const reference = parseReference(`${repository}:data`)
const start = 1_700_000_000

/** A vendor's image in the repository, and updates of it with one file of a number. */
async function begin() {
  const places = severalPlaces()
  const vendor = await putVendor(places.place(repository), 'one')
  const tree = join(await tempDir(), 'tree')
  mkdirSync(join(tree, 'cvmfs'), {recursive: true})
  const put = async (number: number, more: Partial<UpdateOptions> & {keep?: KeepRequest} = {}) => {
    const file = join(tree, 'cvmfs/file')
    writeFileSync(file, String(number))
    for (const path of [file, join(tree, 'cvmfs')])
      utimesSync(path, start + number * 60, start + number * 60)
    const {keep, ...options} = more
    const asked = updateRequest({
      reference: parseReference(`${repository}:v1`),
      tags: ['data'],
      directory: tree,
      ...options,
    })
    const request = {...asked, publish: {...asked.publish, keep}}
    const {digest} = await update(request, {...places, version: '9.9'})
    if (digest === null) throw new Error('nothing was made')
    return digest
  }
  const back = (to: number, keep?: KeepRequest) =>
    rollback({reference, to: {kind: 'steps', count: to}, tags: [], keep, dryRun: false}, places)
  return {places, vendor, put, back}
}

const historyOf = (places: ReturnType<typeof severalPlaces>, most = 50) =>
  history({reference, most}, places)

it('each update notes what it replaced, an unchanged one nothing, and the first one has no note', async () => {
  const {places, put} = await begin()
  const digests = [await put(1), await put(2), await put(2), await put(3)]
  expect(digests[2]).toBe(digests[1])
  const {history: entries, more} = await historyOf(places)
  expect(more).toBe(false)
  expect(entries).toMatchObject([
    {
      number: 0,
      digest: digests[3],
      time: '2023-11-14T22:16:20Z',
      slots: [{name: 'cvmfs', action: 'replaced'}],
      entries: 2,
      version: '9.9',
      rebased: false,
    },
    {number: 1, digest: digests[1]},
    {number: 2, digest: digests[0], version: null, slots: [{action: 'added'}]},
  ])
})

it('in place, the first state is the vendor image, and remove still gives it back', async () => {
  const {places, put, vendor} = await begin()
  const tag = parseReference(`${repository}:v1`)
  for (const number of [1, 2, 3]) await put(number, {tags: []})
  const {history: entries} = await history({reference: tag, most: 50}, places)
  expect(entries.map(({digest}) => digest)[3]).toBe(vendor.digest)
  expect(entries).toHaveLength(4)
  const result = await remove(injectionRequest({reference: tag}), places)
  expect(result).toMatchObject({original: true, digest: vendor.digest})
})

it('a note of a run is told, and is part of the image also when nothing was replaced', async () => {
  const {places, put} = await begin()
  const asked = async (note: string, number: number) => {
    const request = updateRequest({
      reference: parseReference(`${repository}:v1`),
      tags: ['data'],
      directory: join(await tempDir()),
      allowEmpty: true,
    })
    await put(number)
    return update({...request, publish: {...request.publish, note}}, places)
  }
  await asked('job 7', 1)
  expect((await historyOf(places)).history[0]).toMatchObject({note: 'job 7'})
})

it('a list is cut where more was not asked for', async () => {
  const {places, put} = await begin()
  for (const number of [1, 2, 3]) await put(number)
  const {history: entries, more} = await historyOf(places, 2)
  expect([entries.length, more]).toEqual([2, true])
  expect(entries[1]?.slots).toMatchObject([{action: 'replaced'}])
})

describe('rollback', () => {
  it('goes back by steps, to a digest and to a time, and forward again', async () => {
    const {places, put, back} = await begin()
    const digests = [await put(1), await put(2), await put(3)]
    expect(await back(2)).toMatchObject({digest: digests[0], from: digests[2], tags: ['data']})
    const to = (point: {kind: 'digest'; digest: Digest} | {kind: 'time'; time: number}) =>
      rollback({reference, to: point, tags: [], dryRun: false}, places)
    const [, , last] = digests
    if (!last) throw new Error('no digest')
    expect(await to({kind: 'digest', digest: last})).toMatchObject({digest: last, tags: ['data']})
    const time = start + 2 * 60 + 30
    expect(await to({kind: 'time', time})).toMatchObject({digest: digests[1]})
  })

  it('is refused for what is not in the history, for what is gone, and without a history', async () => {
    const {places, put, back} = await begin()
    const first = await put(1)
    await expect(back(1)).rejects.toMatchObject({code: 'ERR_INJECT_NO_HISTORY'})
    await put(2)
    await expect(back(9)).rejects.toMatchObject({code: 'ERR_INJECT_NOT_IN_HISTORY'})
    const lost = {
      ...places,
      openStore: async (...args: Parameters<typeof places.openStore>) => {
        const store = await places.openStore(...args)
        const getManifest: typeof store.getManifest = (name, call) =>
          name === first ? Promise.resolve(undefined) : store.getManifest(name, call)
        return {...store, getManifest}
      },
    }
    const request = {reference, to: {kind: 'steps', count: 1}, tags: [], dryRun: false} as const
    await expect(rollback(request, lost)).rejects.toMatchObject({
      code: 'ERR_INJECT_IMAGE_NOT_FOUND',
    })
    expect((await history({reference, most: 5}, lost)).history[1]).toMatchObject({
      digest: first,
      present: false,
    })
  })

  it('a dry run moves nothing', async () => {
    const {places, put} = await begin()
    await put(1)
    const last = await put(2)
    const to = {kind: 'steps', count: 1} as const
    const result = await rollback({reference, to, tags: [], dryRun: true}, places)
    expect(result).toMatchObject({changed: true, tags: ['data']})
    expect(await places.place(repository).statManifest('data')).toBe(last)
  })
})

it('updates and rollbacks in any order are what a model of them says, and --keep keeps the last states', async () => {
  const step = fc.oneof(
    fc.record({kind: fc.constant('update' as const), content: fc.integer({min: 1, max: 4})}),
    fc.record({kind: fc.constant('rollback' as const), steps: fc.integer({min: 1, max: 3})}),
  )
  const keep = {count: 3, template: '{tag}-inject-{n}'}
  await fc.assert(
    fc.asyncProperty(fc.array(step, {minLength: 10, maxLength: 14}), async (steps) => {
      const {places, put, back} = await begin()
      const store = places.place(repository)
      /** What each state says that it replaced. */
      const before = new Map<Digest, Digest | undefined>()
      const contents = new Map<Digest, number>()
      let current: Digest | undefined
      /** What the tag named, oldest first. */
      const replaced: Digest[] = []
      for (const each of steps) {
        if (each.kind === 'update') {
          const isSame = current !== undefined && contents.get(current) === each.content
          const digest = await put(each.content, {keep})
          if (isSame) expect(digest).toBe(current)
          else {
            if (current) replaced.push(current)
            if (!before.has(digest)) before.set(digest, current)
            contents.set(digest, each.content)
            current = digest
          }
        } else {
          const states = chain(current, before)
          const wanted = states[each.steps]
          if (wanted === undefined) await expect(back(each.steps, keep)).rejects.toThrow()
          else {
            expect((await back(each.steps, keep)).digest).toBe(wanted)
            if (current) replaced.push(current)
            current = wanted
          }
        }
        expect(await store.statManifest('data')).toBe(current)
        if (current === undefined) continue
        const told = (await historyOf(places)).history.map(({digest}) => digest)
        expect(told).toEqual(chain(current, before))
        const kept = await keptBy(store)
        for (const digest of replaced.slice(-keep.count)) expect(kept).toContain(digest)
        expect(kept.length).toBeLessThanOrEqual(keep.count + 1)
      }
    }),
    {numRuns: runs(0.5)},
  )
})

function chain(
  from: Digest | undefined,
  before: ReadonlyMap<Digest, Digest | undefined>,
): readonly Digest[] {
  const states: Digest[] = []
  for (let at = from; at !== undefined; at = before.get(at)) states.push(at)
  return states
}

async function keptBy(store: ReturnType<ReturnType<typeof severalPlaces>['place']>) {
  const digests: (Digest | undefined)[] = []
  for await (const tag of store.listTags())
    if (/^data-inject-\d+$/.test(tag)) digests.push(await store.statManifest(tag))
  return digests
}
