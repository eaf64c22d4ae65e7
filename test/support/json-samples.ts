import {
  type Known,
  configMembers,
  layoutMembers,
  manifestMembers,
  savedMembers,
} from '../../src/oci/known-members.js'

const digest = (digit: string) => `sha256:${digit.repeat(64)}`
const platform = {
  architecture: 'arm64',
  os: 'linux',
  'os.version': '1',
  'os.features': ['x'],
  variant: 'v8',
}
const descriptor = (mediaType: string, digit: string) => ({
  mediaType,
  digest: digest(digit),
  size: 123,
  annotations: {Layers: 'a map keeps the case of its keys', layers: 'so that these are two'},
  urls: ['https://example.org/x'],
  data: 'eA==',
  artifactType: 'application/x',
  platform,
})
const run = {
  User: 'root',
  Env: ['PATH=/bin'],
  Cmd: ['sh'],
  Entrypoint: ['/entry'],
  WorkingDir: '/',
  Labels: {env: 'a label', Env: 'another label'},
  ExposedPorts: {'80/tcp': {}},
  Volumes: {'/data': {}, '/Data': {}},
  Healthcheck: {Test: ['CMD', 'true'], Interval: 30_000_000_000, Retries: 3},
  StopSignal: 'SIGTERM',
  StopTimeout: 5,
  OnBuild: [],
  Shell: ['/bin/sh'],
}

/** A whole document of each kind, with members that we do not know, and what engines know of it. */
export const jsonSamples: Readonly<
  Record<string, {readonly value: object; readonly known: Known}>
> = {
  manifest: {
    known: manifestMembers,
    value: {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: descriptor('application/vnd.oci.image.config.v1+json', 'c'),
      layers: [
        descriptor('application/vnd.oci.image.layer.v1.tar+gzip', 'a'),
        descriptor('application/vnd.oci.image.layer.v1.tar+gzip', 'b'),
      ],
      subject: descriptor('application/vnd.oci.image.manifest.v1+json', 'd'),
      annotations: {mediatype: 'x', MediaType: 'y'},
      'x-unknown': {Layers: [], layers: [], number: 2.5e300},
    },
  },
  index: {
    known: manifestMembers,
    value: {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [
        descriptor('application/vnd.oci.image.manifest.v1+json', 'a'),
        descriptor('application/vnd.oci.image.index.v1+json', 'b'),
      ],
      annotations: {Digest: 'x'},
      'x-unknown': [{manifests: 1, Manifests: 2}],
    },
  },
  config: {
    known: configMembers,
    value: {
      architecture: 'arm64',
      os: 'linux',
      'os.version': '1',
      variant: 'v8',
      created: '2026-01-02T03:04:05Z',
      author: 'somebody',
      config: run,
      container_config: run,
      rootfs: {type: 'layers', diff_ids: [digest('a'), digest('b')]},
      history: [
        {created: '2026-01-02T03:04:05Z', created_by: 'a', comment: 'b'},
        {author: 'x', empty_layer: true},
      ],
      Size: 1,
      size: 1.5,
      'moby.buildkit.cache.v0': 'x',
    },
  },
  'docker archive': {
    known: savedMembers,
    value: {
      images: [
        {
          Config: 'config.json',
          RepoTags: ['a:b'],
          Layers: ['a/layer.tar'],
          LayerSources: {Layers: 1},
        },
      ],
    },
  },
  'oci-layout': {known: layoutMembers, value: {imageLayoutVersion: '1.0.0', other: 1}},
}
