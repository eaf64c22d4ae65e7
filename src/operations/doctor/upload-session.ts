import {bytesBody} from '../../registry/net/http.js'
import type {ProbeAnswer} from '../../registry/probe/probe.js'
import {resolveLocation} from '../../registry/upload/location.js'
import {type Check, type Finding, note, ok, skipped} from './check.js'
import {makeLayer} from './content.js'
import {append, begin, cancel, offsetOf, withSession} from './session.js'

const needs = ['upload start']

export const uploadStatus: Check = {
  name: 'upload status',
  asks: 'POST, PATCH, GET of the upload',
  needs,
  async run({probe, mark}, signal) {
    const {bytes, size} = makeLayer(`inject-doctor-${mark}-status`)
    return withSession(probe, signal, async (session) => {
      const sent = await append(probe, session, {body: bytesBody(bytes)}, signal)
      if (sent.answer.status >= 300) return {value: skipped('there is no PATCH'), open: sent}
      const {location: at} = sent
      const answer = await probe.ask({method: 'GET', at, access: 'push', signal})
      return {value: statusIn(answer, size), open: sent}
    })
  },
}

function statusIn(answer: ProbeAnswer, size: number): Finding {
  const again = 'begins an upload again after a break'
  if (answer.status >= 300) return note(`it answers ${answer.status}`, again)
  const offset = offsetOf(answer)
  if (offset === size) return ok(`it has all ${size} bytes`, 'asks for this after a break')
  if (offset === undefined) return note('no Range in the answer', again)
  return note(`it claims ${offset} bytes of ${size}`, again)
}

/** The size of the upload whose connection is cut after half of its bytes. */
const broken = 64 * 1024
/**
 * Milliseconds to wait for the sent bytes to arrive, and between status requests; and how many
 * status requests to send.
 */
const moment = 200
const questions = 5

export const brokenUpload: Check = {
  name: 'broken upload',
  asks: 'POST, a PATCH that breaks off, GET of the upload',
  needs,
  async run({probe, sleep}, signal) {
    const cut = new Error('cut off')
    const body = {
      length: broken,
      async *open() {
        yield Buffer.alloc(broken / 2)
        await sleep(moment, signal)
        throw cut
      },
    }
    return withSession(probe, signal, async (open) => {
      try {
        const {answer} = await append(probe, open, {body}, signal)
        return {value: skipped(`a PATCH is answered ${answer.status} before its end`), open}
      } catch (error) {
        if (error !== cut) throw error
      }
      let found: ProbeAnswer | undefined
      // the registry may still be storing what it received
      for (let asked = 0; asked < questions && !isSettled(found); asked++) {
        await sleep(moment, signal)
        found = await probe.ask({method: 'GET', at: open.location, access: 'push', signal})
      }
      return {value: afterBreak(found), open}
    })
  },
}

function isSettled(answer: ProbeAnswer | undefined): boolean {
  return answer !== undefined && (answer.status >= 300 || (offsetOf(answer) ?? 0) >= broken / 2)
}

function afterBreak(answer: ProbeAnswer | undefined): Finding {
  const again = 'sends a layer again from its start after a break, in chunks from the third time on'
  if (!answer || answer.status >= 300) return note(`GET answers ${answer?.status}`, again)
  const offset = offsetOf(answer) ?? 0
  if (offset > 1) return ok(`${offset} bytes were kept`, 'resumes there after a break')
  return note('nothing of it was kept', again)
}

export const uploadCancel: Check = {
  name: 'upload cancel',
  asks: 'POST, DELETE of the upload',
  needs,
  async run({probe}, signal) {
    const answer = await cancel(probe, await begin(probe, signal))
    if (answer && answer.status < 300) return ok(`${answer.status}`)
    const said = answer ? `it answers ${answer.status}` : 'no answer'
    return note(said, 'leaves uploads that broke to the registry')
  },
}

/**
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#mounting-a-blob-from-another-repository
 */
export const mount: Check = {
  name: 'mount',
  asks: 'POST with mount and from, the repository itself',
  needs,
  async run({probe, facts, repository}, signal) {
    const {blob} = facts
    if (!blob) return skipped('there is no blob to take')
    const query = new URLSearchParams({mount: blob.digest, from: repository})
    const at = `blobs/uploads/?${query.toString()}`
    const access = {mountFrom: repository}
    const answer = await probe.ask({method: 'POST', at, access, signal})
    if (answer.status === 201)
      return ok('201', 'mounts what other repositories have, and sends the rest')
    if (answer.status === 202) {
      await cancel(probe, {answer, location: resolveLocation(answer.headers.location, answer.url)})
      return note('202: an upload instead', 'sends the bytes')
    }
    return note(`it answers ${answer.status}`, 'sends the bytes')
  },
}
