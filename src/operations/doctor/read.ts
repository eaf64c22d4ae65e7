import {AuthenticationError, NotFoundError} from '../../errors.js'
import {type Digest, digestOf, isDigest} from '../../oci/digest.js'
import {manifestMediaTypes} from '../../oci/media-type.js'
import {quoted} from '../../oci/quoted.js'
import type {Probe} from '../../registry/probe/probe.js'
import {claimedDigest} from '../../registry/api/response-digest.js'
import {decodeFacts} from '../../oci/manifest-facts.js'
import {type Check, fail, type Facts, note, ok, skipped, unexpected} from './check.js'

const needs = ['ping', 'auth']
const accept = {accept: manifestMediaTypes.join(', ')}

export const tags: Check = {
  name: 'tags',
  asks: 'GET tags/list',
  needs,
  async run({probe, facts}, signal) {
    const found: string[] = []
    try {
      for await (const tag of probe.reader.listTags({signal})) found.push(tag)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof AuthenticationError)) throw error
      return note(error.message, 'does not need the list')
    }
    const tag = found.includes('latest') ? 'latest' : found.at(-1)
    if (tag === undefined) return ok('none: the repository is empty or not there yet')
    facts.tag = tag
    return ok(`${found.length} ${found.length === 1 ? 'tag' : 'tags'}`)
  },
}

/**
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#checking-if-content-exists-in-the-registry
 */
export const manifestHead: Check = {
  name: 'manifest HEAD',
  asks: 'HEAD and, if it says little, GET of a manifest',
  needs,
  async run({probe, repository, reference, facts}, signal) {
    const wanted = reference ?? facts.tag
    if (wanted === undefined) return skipped('there is no tag to ask for')
    const at = `manifests/${wanted}`
    const head = await probe.ask({method: 'HEAD', at, access: 'pull', headers: accept, signal})
    const digest = await probe.reader.statManifest(wanted, {signal})
    if (digest === undefined) {
      const what = isDigest(wanted) ? wanted : `tag ${quoted(wanted)}`
      const message = `there is no ${what} in ${repository}`
      return fail(new NotFoundError('ERR_INJECT_NOT_FOUND', message))
    }
    facts.manifest = digest
    if (head.status === 200 && claimedDigest(head) === digest) return ok(`${wanted} is ${digest}`)
    const said =
      head.status === 200 ? 'HEAD does not say the digest' : `HEAD answers ${head.status}`
    return note(`${said}; GET does`, 'uses GET')
  },
}

export const blobHead: Check = {
  name: 'blob HEAD',
  asks: 'HEAD of a blob that is there',
  needs,
  async run({probe, facts}, signal) {
    const {manifest} = facts
    if (!manifest) return skipped('there is no manifest that names one')
    const blob = await blobOf(probe, manifest, signal)
    if (!blob) return skipped('neither the manifest nor, of an index, its first image names a blob')
    const at = `blobs/${blob.digest}`
    const head = await probe.ask({method: 'HEAD', at, access: 'pull', signal})
    if (head.status === 200)
      return ok(`it is there, ${head.headers['content-length'] ?? '?'} bytes`)
    const get = await probe.ask({method: 'GET', at, access: 'pull', signal})
    if (get.status !== 200) return unexpected(get, `GET of blob ${blob.digest}`)
    return note(
      `HEAD answers ${head.status}, GET 200`,
      'reads blobs all the same; may send one that is there',
    )
  },
}

/** The first blob of the image; for an index, of its first image, which might be missing. */
async function blobOf({reader}: Probe, manifest: Digest, signal: AbortSignal) {
  const factsOf = async (digest: Digest) => {
    const stored = await reader.getManifest(digest, {signal})
    return stored && decodeFacts(stored.bytes, `manifest ${digest}`)
  }
  const facts = await factsOf(manifest)
  const child = facts?.children[0]
  return (child ? await factsOf(child.digest) : facts)?.parts[0]
}

/** What an update that creates a tag will meet. */
export const absent: Check = {
  name: 'absent tag',
  asks: 'HEAD of a tag that is not there',
  needs,
  async run({probe, mark}, signal) {
    const tag = `inject-doctor-absent-${mark}`
    const at = `manifests/${tag}`
    const head = await probe.ask({method: 'HEAD', at, access: 'pull', headers: accept, signal})
    if (head.status === 404) return ok('404')
    try {
      await probe.reader.statManifest(tag, {signal})
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof AuthenticationError)) throw error
      return note(
        `${head.status}, as for hidden content`,
        'fails for a --tag that is not there yet; tags that are there can be updated',
      )
    }
    return note(`HEAD answers ${head.status}, GET 404`, 'uses GET')
  },
}

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers */
export const referrers: Check = {
  name: 'referrers',
  asks: 'GET referrers of a digest',
  needs,
  async run({probe, facts}, signal) {
    const at = `referrers/${subject(facts)}`
    const {status, headers} = await probe.ask({method: 'GET', at, access: 'pull', signal})
    const isIndex = (headers['content-type'] ?? '').includes('image.index')
    if (status === 200 && isIndex) return ok('the registry has this list')
    const said =
      status === 200 ? 'an answer that is not a list' : `${status}: there is no such list`
    return note(said, 'nothing: other tools keep signatures under tags there')
  },
}

/** For an unknown digest the registry must answer with an empty list. */
function subject({manifest}: Facts): string {
  return manifest ?? digestOf(Buffer.from('inject doctor'))
}
