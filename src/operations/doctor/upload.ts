import {bytesBody} from '../../registry/net/http.js'
import type {ProbeAnswer} from '../../registry/probe/probe.js'
import {type Check, type Finding, note, ok, type Patient, skipped, unexpected} from './check.js'
import {makeLayer} from './content.js'
import {append, begin, cancel, commit, isStored, offsetOf, withSession} from './session.js'

const MiB = 1024 * 1024
const needs = ['upload start']

export const uploadStart: Check = {
  name: 'upload start',
  asks: 'POST blobs/uploads/',
  needs: ['ping', 'auth'],
  async run({probe, facts}, signal) {
    const session = await begin(probe, signal)
    await cancel(probe, session)
    const {headers} = session.answer
    const least = headers['oci-chunk-min-length']
    facts.minChunk = typeof least === 'string' && /^\d{1,12}$/.test(least) ? Number(least) : 0
    const chunks =
      facts.minChunk > 0 ? `chunks of at least ${facts.minChunk} bytes` : 'no least size of chunks'
    const place = placeOf(headers.location ?? '', session.location, probe.registry)
    return {...place, finding: `${place.finding}; ${chunks}`}
  },
}

/** Describes the form of an upload's next address, without its query, which may be signed. */
function placeOf(location: string, url: URL, registry: URL): Finding {
  if (/^http:/i.test(location) && registry.protocol === 'https:')
    return note('Location says http', 'keeps https')
  if (url.host !== registry.host)
    return note(`Location is at ${url.host}`, 'sends no credentials there')
  if (/^https?:/i.test(location)) return ok('Location is an address')
  return ok(location.startsWith('/') ? 'Location is a path' : 'Location is without a scheme')
}

export const singlePut: Check = {
  name: 'monolithic PUT',
  asks: 'POST, PUT with all of a blob',
  needs,
  async run(patient, signal) {
    const {probe, facts, mark} = patient
    const layer = makeLayer(`inject-doctor-${mark}-put`)
    return withSession(probe, signal, async (session) => {
      const whole = {digest: layer.digest, body: bytesBody(layer.bytes)}
      const answer = await commit(patient, session, whole, signal)
      if (isStored(answer)) {
        facts.blob = layer
        facts.takesPut = true
        return {value: ok(`${answer.status}`, 'sends what it holds in memory in one PUT')}
      }
      const {status} = answer
      const another = status === 400 || status === 404 || status === 405 || status >= 500
      const value = another
        ? note(`it answers ${status}`, 'sends a PATCH and then the PUT, for all of the run')
        : unexpected(answer, 'PUT of a blob')
      return {value, open: session}
    })
  },
}

export const streamedPatch: Check = {
  name: 'streamed PATCH',
  asks: 'POST, one PATCH without a length, PUT',
  needs,
  async run(patient, signal) {
    const {probe, facts, mark} = patient
    const layer = makeLayer(`inject-doctor-${mark}-stream`)
    const body = {...bytesBody(layer.bytes), length: undefined}
    return withSession(probe, signal, async (session) => {
      const sent = await append(probe, session, {body}, signal)
      if (sent.answer.status >= 300) return {value: withoutStream(sent.answer, facts), open: sent}
      const answer = await commit(patient, sent, {digest: layer.digest}, signal)
      if (!isStored(answer)) return {value: withoutStream(answer, facts), open: sent}
      facts.blob ??= layer
      const statuses = `${sent.answer.status}, ${answer.status}`
      return {value: ok(statuses, 'layers go in one request')}
    })
  },
}

function withoutStream(answer: ProbeAnswer, {takesPut}: Patient['facts']): Finding {
  const {status} = answer
  // if there is no other way, the error says the most
  if (!takesPut || status === 401 || status === 403) return unexpected(answer, 'PATCH of a blob')
  return status === 413
    ? note('413: a body must say its length', 'sends layers in chunks')
    : note(`it answers ${status}`, 'packs a layer twice: for its digest, then for one PUT')
}

/** Chunks are held in memory. */
const largestChunk = 16 * MiB
const smallChunk = 512

export const rangedPatch: Check = {
  name: 'ranged PATCH',
  asks: 'POST, two PATCHes with Content-Range, PUT',
  needs,
  async run(patient, signal) {
    const {probe, facts, mark} = patient
    const first = Math.max(facts.minChunk, smallChunk)
    if (first > largestChunk) return skipped(`its chunks are of at least ${first} bytes`)
    const layer = makeLayer(`inject-doctor-${mark}-chunks`, first + 1)
    const {bytes, size, digest} = layer
    return withSession(probe, signal, async (session) => {
      const one = bytesBody(bytes.subarray(0, first))
      const half = await append(probe, session, {body: one, range: `0-${first - 1}`}, signal)
      if (half.answer.status >= 300) return {value: withoutRanges(half.answer), open: half}
      const two = bytesBody(bytes.subarray(first))
      const whole = await append(probe, half, {body: two, range: `${first}-${size - 1}`}, signal)
      if (whole.answer.status >= 300) return {value: withoutRanges(whole.answer), open: whole}
      const answer = await commit(patient, whole, {digest}, signal)
      const offset = offsetOf(whole.answer)
      const stands = offset !== undefined && offset < size
      if (!isStored(answer)) {
        const said = stands
          ? 'Range stands still and the second chunk is lost'
          : `the end is ${answer.status}`
        return {value: note(said, 'sends no chunks but where it must'), open: whole}
      }
      facts.takesRanges = true
      const value = stands
        ? note('Range stands still, all bytes are kept', 'sends no chunks but where it must')
        : ok(
            `${half.answer.status}, ${whole.answer.status}, ${answer.status}`,
            'used after a break, or with --chunk-size',
          )
      return {value}
    })
  },
}

function withoutRanges({status}: ProbeAnswer): Finding {
  return note(`it answers ${status}`, 'sends no chunks: a layer goes in one request')
}

/** Four times nginx's default limit, and just above the size of GHCR's chunks. */
const large = 4 * MiB + 1

export const chunkLimit: Check = {
  name: 'chunk limit',
  asks: 'one PATCH of 4 MiB and a byte, cancelled',
  needs,
  async run({probe, facts}, signal) {
    return withSession(probe, signal, async (session) => {
      const range = facts.takesRanges ? `0-${large - 1}` : undefined
      const open = await append(
        probe,
        session,
        {body: bytesBody(Buffer.alloc(large)), range},
        signal,
      )
      return {value: limitIn(open.answer), open}
    })
  },
}

function limitIn(answer: ProbeAnswer): Finding {
  const {status} = answer
  if (status < 300) return ok('accepted; larger chunks were not tried')
  if (status === 416) return note('416: that is too much for a chunk', 'keeps chunks below 4 MiB')
  if (status === 413)
    return note('413: that is too much', 'sends chunks below 4 MiB, and below 1 MiB where it must')
  return note(`it answers ${status}`, 'keeps to one request as long as that works')
}
