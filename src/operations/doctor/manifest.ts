import {InjectError} from '../../errors.js'
import {manifestMediaTypes, ociManifest} from '../../oci/media-type.js'
import {bytesBody} from '../../registry/net/http.js'
import type {ProbeAnswer} from '../../registry/probe/probe.js'
import {type Check, type Finding, note, ok, type Patient, skipped, unexpected} from './check.js'
import {type Content, makeConfig, makeManifest} from './content.js'
import {outlast} from './outlast.js'
import {append, commit, isStored, withSession} from './session.js'

/** Decides whether there is anything to check. */
const needs = ['upload start']

export const manifestPut: Check = {
  name: 'manifest PUT',
  asks: 'PUT of an image under a tag of its own',
  needs,
  async run(patient, signal) {
    const {facts} = patient
    if (!facts.blob) return skipped('there is no blob to name')
    const config = makeConfig(facts.blob.digest)
    const stored = await store(patient, config, signal)
    if (!isStored(stored)) return unexpected(stored, 'PUT of a config')
    const image = makeManifest(config, facts.blob, 'made by inject doctor, and to be removed by it')
    const answer = await put(patient, image, signal)
    if (answer.status >= 300) return unexpected(answer, 'PUT of a manifest')
    facts.image = {config, manifest: image.digest}
    const found = await patient.probe.reader.statManifest(tagOf(patient), {signal})
    if (found === image.digest) return ok(`${answer.status}, and it is there`)
    return note(`${answer.status}, but it is not there yet`, 'looks again after a PUT, and fails')
  },
}

/** Uploads a small blob in a way that worked before. */
function store(
  patient: Patient,
  {bytes, digest}: Content,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  const {probe, facts} = patient
  const body = bytesBody(bytes)
  return withSession(probe, signal, async (session) => {
    const value = facts.takesPut
      ? await commit(patient, session, {digest, body}, signal)
      : await commit(patient, await append(probe, session, {body}, signal), {digest}, signal)
    return isStored(value) ? {value} : {value, open: session}
  })
}

function tagOf({mark}: Patient): string {
  return `inject-doctor-${mark}`
}

/** Sends the request, and records what may exist afterwards. */
async function put(
  patient: Patient,
  {bytes, digest}: Content,
  signal: AbortSignal,
  conditions: Readonly<Record<string, string>> = {},
): Promise<ProbeAnswer> {
  const {made} = patient.facts
  const tag = tagOf(patient)
  const late = outlast(signal)
  made.manifests.add(digest)
  const answer = await patient.probe.ask({
    method: 'PUT',
    at: `manifests/${tag}`,
    access: 'push',
    headers: {'content-type': ociManifest, ...conditions},
    body: bytesBody(bytes),
    afterAbort: true,
    signal: late,
  })
  if (answer.status >= 300) made.manifests.delete(digest)
  signal.throwIfAborted()
  return answer
}

const window = 'looks before and reads back after: a small window is left'

/** https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2 */
export const ifNoneMatch: Check = {
  name: 'If-None-Match',
  asks: 'PUT on a tag that is there, on condition that it is not',
  needs: ['manifest PUT'],
  async run(patient, signal) {
    const answer = await move(patient, 'If-None-Match', {'if-none-match': '*'}, signal)
    return conditional(answer, "a new tag overwrites nobody's")
  },
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1 */
export const ifMatch: Check = {
  name: 'If-Match',
  asks: 'PUT on condition that the tag is what it is not, and that it is what it is',
  needs: ['manifest PUT'],
  async run(patient, signal) {
    const {probe} = patient
    const wrong = {'if-match': `"sha256:${'0'.repeat(64)}"`}
    const refused = await move(patient, 'If-Match', wrong, signal)
    if (refused?.status !== 412) return conditional(refused, '')
    const current = await probe.reader.statManifest(tagOf(patient), {signal})
    const right = await move(patient, 'If-Match, right', {'if-match': `"${current}"`}, signal)
    if (right?.status === 412)
      return note('412 whatever the tag is', 'looks again, and moves it without the condition')
    return conditional(refused, 'no other update is lost')
  },
}

/** Tries to point the tag at another image. */
async function move(
  patient: Patient,
  comment: string,
  conditions: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ProbeAnswer | undefined> {
  const {facts} = patient
  if (!facts.image || !facts.blob) return undefined
  const image = makeManifest(facts.image.config, facts.blob, comment)
  return put(patient, image, signal, conditions)
}

function conditional(answer: ProbeAnswer | undefined, good: string): Finding {
  if (!answer) return skipped('there is no tag to move')
  if (answer.status === 412) return ok('412', good)
  if (answer.status < 300) return note('it is ignored', window)
  if (/immutab|overwrit/i.test(answer.failure?.message ?? ''))
    return note(`${answer.status}: tags are immutable`, 'fails for a --tag that is there')
  return unexpected(answer, 'PUT on a condition')
}

const accept = {accept: manifestMediaTypes.join(', ')}

/** Removes what the checks created, or reports what could not be removed. */
export const cleanup: Check = {
  name: 'delete',
  asks: 'DELETE of what was made',
  async run(patient, signal) {
    const {probe} = patient
    const {made} = patient.facts
    const tag = tagOf(patient)
    const refusals = new Set<string>()
    const ask = (method: 'DELETE' | 'HEAD', at: string): Promise<ProbeAnswer> => {
      // it belongs to manifests: some refuse it elsewhere, and have none here without it
      const headers = at.startsWith('manifests/') ? accept : {}
      return probe.ask({method, at, access: 'push', headers, afterAbort: true, signal})
    }
    const remain = async (places: readonly string[]): Promise<number> => {
      let count = 0
      for (const at of places) {
        // a token server may also refuse the right to delete
        const {status} = await ask('DELETE', at).catch(noAnswer)
        if (typeof status === 'number' && (status < 300 || status === 404)) continue
        refusals.add(`DELETE answers ${status}`)
        count++
      }
      return count
    }
    const manifests = await remain([...made.manifests].map((each) => `manifests/${each}`))
    const head = made.manifests.size > 0 ? await ask('HEAD', `manifests/${tag}`) : undefined
    const tags = head?.status === 200 ? await remain([`manifests/${tag}`]) : 0
    const blobs = await remain([...made.blobs].map((each) => `blobs/${each}`))
    const stays = [
      ...(tags > 0 ? [`tag ${tag}`] : []),
      ...(manifests > 0 ? [`${manifests} manifests`] : []),
      ...(blobs > 0 ? [`${blobs} small blobs`] : []),
    ]
    if (stays.length === 0) return ok('all that was made is gone')
    return note(`${stays.join(', ')}: ${[...refusals].join(', ')}`, 'leaves them there')
  },
}

function noAnswer(error: unknown): {readonly status: string} {
  if (error instanceof InjectError) return {status: error.code}
  throw error
}
