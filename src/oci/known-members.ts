// The members that container engines read, as a table. Most engines are written in Go, whose
// encoding/json takes a member for a field when the two names differ only in case, and of several
// such members takes the last. Labels and annotations are maps in Go: their keys keep their case.

/** What Go programs decode a JSON value into, as far as its names and numbers matter. */
export type Known =
  | {readonly kind: 'free'}
  | {readonly kind: 'integer'}
  /** Labels or annotations. */
  | {readonly kind: 'texts'}
  | {readonly kind: 'list'; readonly element: Known}
  | {
      readonly kind: 'struct'
      readonly members: ReadonlyMap<string, Known>
      /** The members' names by their folded form. */
      readonly folded: ReadonlyMap<string, string>
    }

/** A value of any form, whose names mean nothing to an engine. */
export const freeForm: Known = {kind: 'free'}

const integer: Known = {kind: 'integer'}
const texts: Known = {kind: 'texts'}

/**
 * A name as Go folds it when it looks for a field: by simple case folding. Besides A to Z only two
 * characters have an ASCII letter as their lower case: U+017F (long s) and U+212A (the Kelvin
 * sign). https://pkg.go.dev/encoding/json#Unmarshal
 */
export function foldName(name: string): string {
  return name.replaceAll(/[A-Z\u017F\u212A]/g, (character) => {
    if (character === '\u017F') return 's'
    return character === '\u212A' ? 'k' : character.toLowerCase()
  })
}

/**
 * Image manifests and indexes, OCI's and Docker's; the two kinds share one table, since a reader
 * learns the kind from the members.
 */
export const manifestMembers = struct(['mediaType', 'artifactType', 'fsLayers', 'signatures'], {
  annotations: texts,
  schemaVersion: integer,
  config: descriptor(),
  layers: list(descriptor()),
  blobs: list(descriptor()),
  manifests: list(descriptor()),
  subject: descriptor(),
})

/**
 * https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md and
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md
 */
export const configMembers = struct(
  [
    'created',
    'author',
    'architecture',
    'variant',
    'os',
    'os.version',
    'os.features',
    'docker_version',
    'container',
    'parent',
  ],
  {
    config: runConfig(),
    container_config: runConfig(),
    rootfs: struct(['type'], {diff_ids: list(freeForm)}),
    history: list(struct(['created', 'created_by', 'author', 'comment', 'empty_layer'])),
  },
)

/** The file `oci-layout`. */
export const layoutMembers = struct(['imageLayoutVersion'])

/** `manifest.json` of a docker archive, as the member `images` of an object. */
export const savedMembers = struct([], {
  images: list(struct(['Config', 'RepoTags', 'Layers', 'Parent', 'LayerSources'])),
})

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md */
function descriptor(): Known {
  return struct(['mediaType', 'digest', 'urls', 'data', 'artifactType'], {
    annotations: texts,
    size: integer,
    platform: struct(['architecture', 'os', 'os.version', 'os.features', 'variant', 'features']),
  })
}

/**
 * What containers of an image get by default.
 * https://pkg.go.dev/github.com/docker/docker/api/types/container#Config
 */
function runConfig(): Known {
  return struct(
    [
      'Hostname',
      'Domainname',
      'User',
      'AttachStdin',
      'AttachStdout',
      'AttachStderr',
      'ExposedPorts',
      'Tty',
      'OpenStdin',
      'StdinOnce',
      'Env',
      'Cmd',
      'ArgsEscaped',
      'Image',
      'Volumes',
      'WorkingDir',
      'Entrypoint',
      'NetworkDisabled',
      'MacAddress',
      'OnBuild',
      'StopSignal',
      'Shell',
    ],
    {
      Labels: texts,
      StopTimeout: integer,
      Memory: integer,
      MemorySwap: integer,
      CpuShares: integer,
      Healthcheck: struct(['Test'], {
        Interval: integer,
        Timeout: integer,
        StartPeriod: integer,
        StartInterval: integer,
        Retries: integer,
      }),
    },
  )
}

function list(element: Known): Known {
  return {kind: 'list', element}
}

/** `names` are members of any form. */
function struct(names: readonly string[], others: Readonly<Record<string, Known>> = {}): Known {
  const members = new Map([
    ...names.map((name) => [name, freeForm] as const),
    ...Object.entries(others),
  ])
  return {
    kind: 'struct',
    members,
    folded: new Map([...members.keys()].map((name) => [foldName(name), name])),
  }
}
