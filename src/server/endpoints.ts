import type {Action} from './http/access.js'
import {type Answer, jsonAnswer} from './http/answer.js'
import {deleteBlob, getBlob} from './api/blobs.js'
import {listCatalog, listTags} from './api/lists.js'
import type {Handler, Service} from './http/exchange.js'
import {putManifest} from './api/manifest-writer.js'
import {deleteManifest, getManifest} from './api/manifests.js'
import {showPage} from './page/handler.js'
import {listReferrers} from './api/referrers.js'
import {Refusal} from './http/refusal.js'
import type {Route} from './http/route.js'
import {appendUpload, cancelUpload, closeUpload, statUpload} from './api/upload.js'
import {startUpload} from './api/uploads.js'

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** What may be done to a route of one kind with one method, and how. */
export interface Endpoint<Kind extends Route['kind']> {
  readonly action: Action
  readonly handle: Handler<Kind>
}

type Endpoints = {
  readonly [Kind in Route['kind']]: {readonly [M in Method]?: Endpoint<Kind>}
}

/**
 * Everything that can be done to what a path names.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints
 */
export const endpoints: Endpoints = {
  ping: readable('discover', () => Promise.resolve(jsonAnswer({}))),
  health: readable('discover', showHealth),
  metrics: readable('discover', showMetrics),
  // the list holds what its reader may pull
  catalog: readable('pull', listCatalog),
  // as above
  page: readable('pull', showPage),
  tags: readable('pull', listTags),
  referrers: readable('pull', listReferrers),
  blob: {...readable('pull', getBlob), DELETE: {action: 'delete', handle: deleteBlob}},
  manifest: {
    ...readable('pull', getManifest),
    PUT: {action: 'push', handle: putManifest},
    DELETE: {action: 'delete', handle: deleteManifest},
  },
  uploads: {POST: {action: 'push', handle: startUpload}},
  upload: {
    GET: {action: 'push', handle: statUpload},
    HEAD: {action: 'push', handle: statUpload},
    PATCH: {action: 'push', handle: appendUpload},
    PUT: {action: 'push', handle: closeUpload},
    DELETE: {action: 'push', handle: cancelUpload},
  },
}

/**
 * For load balancers: the process answers, and what it serves is there (that is looked at for every
 * request).
 */
function showHealth(): Promise<Answer> {
  return Promise.resolve(textAnswer('text/plain', 'ok\n'))
}

async function showMetrics(_: unknown, {metrics}: Service): Promise<Answer> {
  if (metrics === undefined) throw new Refusal(404, 'UNSUPPORTED', 'no such endpoint')
  const {contentType, text} = await metrics.render()
  return textAnswer(contentType, text)
}

function textAnswer(contentType: string, text: string): Answer {
  const body = Buffer.from(text)
  return {status: 200, headers: {'content-type': contentType, 'content-length': body.length}, body}
}

function readable<Kind extends Route['kind']>(
  action: Action,
  handle: Handler<Kind>,
): {readonly GET: Endpoint<Kind>; readonly HEAD: Endpoint<Kind>} {
  return {GET: {action, handle}, HEAD: {action, handle}}
}
