import type {SeenRequest} from '../fake-server.js'

/** Requests that are treated alike: the columns of the table in docs/faults.md. */
export const kindIds = [
  'K1',
  'K2',
  'K3',
  'K4',
  'K5',
  'K6',
  'K7',
  'K8',
  'K9',
  'K10',
  'K11',
  'K12',
  'K13',
  'K14',
  'K15',
] as const
export type KindId = (typeof kindIds)[number]

/** One kind of request, and what brings it about in a run. */
export interface Kind {
  readonly id: KindId
  readonly title: string
  readonly isIt: (request: SeenRequest) => boolean
  readonly operation: 'update' | 'unpack'
  /** What the client knows to log in with; default: a password. */
  readonly credential?: 'identity-token'
  /** The registry answers 401 without saying how to log in, but at its root. */
  readonly quiet?: true
  /** The registry refuses mounts, so that blobs are looked for before they are sent. */
  readonly withoutMount?: true
  /** Bytes of a chunk. */
  readonly chunkSize?: number
  /**
   * The trouble that comes before it: this request is refused, once, before anything of it is done.
   */
  readonly trouble?: {readonly isIt: (request: SeenRequest) => boolean; readonly status?: number}
}

const is =
  (method: string, path: RegExp, mount?: boolean) =>
  (request: SeenRequest): boolean =>
    request.method === method &&
    path.test(request.path) &&
    (mount === undefined || request.query.has('mount') === mount)

const session = /\/blobs\/uploads\/[^/]+$/
const chunkSize = 2048

/** All kinds. `isConfig` tells the paths of configs from those of layers. */
export function makeKinds(isConfig: (path: string) => boolean): readonly Kind[] {
  const patch = is('PATCH', session)
  const put = is('PUT', session)
  const blob = is('GET', /\/blobs\/sha256:/)
  return [
    {id: 'K1', title: 'GET /v2/', isIt: is('GET', /^\/v2\/$/), operation: 'update', quiet: true},
    {id: 'K2', title: 'GET token', isIt: is('GET', /^\/token$/), operation: 'update'},
    {
      id: 'K3',
      title: 'POST token',
      isIt: is('POST', /^\/token$/),
      operation: 'update',
      credential: 'identity-token',
    },
    {id: 'K4', title: 'HEAD manifest', isIt: is('HEAD', /\/manifests\//), operation: 'update'},
    {
      id: 'K5',
      title: 'GET manifest',
      // the very first one only learns that a token is needed
      isIt: (request) =>
        is('GET', /\/manifests\//)(request) && request.headers.authorization !== undefined,
      operation: 'update',
    },
    {
      id: 'K6',
      title: 'GET config',
      isIt: (request) => blob(request) && isConfig(request.path),
      operation: 'unpack',
    },
    {
      id: 'K7',
      title: 'GET layer',
      isIt: (request) => blob(request) && !isConfig(request.path),
      operation: 'unpack',
    },
    {
      id: 'K8',
      title: 'HEAD blob',
      isIt: is('HEAD', /\/blobs\//),
      operation: 'update',
      withoutMount: true,
    },
    {
      id: 'K9',
      title: 'POST upload',
      isIt: is('POST', /\/uploads\/$/, false),
      operation: 'update',
      withoutMount: true,
    },
    {id: 'K10', title: 'POST mount', isIt: is('POST', /\/uploads\/$/, true), operation: 'update'},
    {id: 'K11', title: 'PATCH', isIt: patch, operation: 'update', chunkSize},
    {
      id: 'K12',
      title: 'GET upload',
      isIt: is('GET', session),
      operation: 'update',
      chunkSize,
      trouble: {isIt: patch},
    },
    {id: 'K13', title: 'PUT blob', isIt: put, operation: 'update'},
    {id: 'K14', title: 'PUT manifest', isIt: is('PUT', /\/manifests\//), operation: 'update'},
    {
      id: 'K15',
      title: 'DELETE upload',
      isIt: is('DELETE', session),
      operation: 'update',
      trouble: {isIt: put, status: 503},
    },
  ]
}
