import {layerCompressions} from '../oci/media-type.js'
import {basePolicies} from './fleet.js'

const text = {type: 'string'} as const
const texts = {anyOf: [text, {type: 'array', items: text}]} as const
const textMap = {type: 'object', additionalProperties: {type: ['string', 'null']}} as const

const edits = {
  description: "Changes of the images' configs; null takes a member out.",
  type: 'object',
  additionalProperties: false,
  properties: {
    env: textMap,
    labels: textMap,
    annotations: textMap,
    entrypoint: texts,
    cmd: texts,
    workdir: text,
    user: text,
    'stop-signal': text,
  },
} as const

const rules = {
  platforms: {...texts, description: 'Images of an index: all (default), or a list.'},
  target: {
    ...text,
    description:
      'Where results go, with {{registry}}, {{repository}}, {{name}} and {{tag}}; default: in place.',
  },
  base: {enum: basePolicies, description: "Whether images follow the vendor's tag."},
  attestations: {enum: ['drop', 'keep']},
  keep: {type: 'integer', minimum: 1, maximum: 1000, description: 'Earlier images to keep.'},
  'to-oci': {type: 'boolean'},
  edits,
  slots: {...texts, description: 'The names of the slots that the images get; default: all.'},
} as const

const tags = {
  description: 'Which tags: globs, or an object.',
  anyOf: [
    text,
    {type: 'array', items: text},
    {
      type: 'object',
      additionalProperties: false,
      properties: {
        match: texts,
        semver: {...text, description: 'A range such as >=1.2 <3.'},
        exclude: texts,
        latest: {type: 'integer', minimum: 1, maximum: 10_000},
      },
    },
  ],
} as const

const pattern = {
  image: {...text, description: 'A reference; * and ? in repository and tag are patterns.'},
  repositories: {...text, description: 'REGISTRY/GLOB, among those that the registry lists.'},
  tags,
} as const

const slot = {
  type: 'object',
  additionalProperties: false,
  required: ['name'],
  oneOf: [{required: ['source']}, {required: ['certs']}],
  properties: {
    name: {type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'},
    source: {
      description:
        "A directory, file or archive (.tar, .tar.gz, .tgz, .tar.zst), relative to this file's folder; or a part of another image.",
      anyOf: [
        text,
        {
          type: 'object',
          additionalProperties: false,
          required: ['image'],
          properties: {
            image: {...text, description: 'A reference.'},
            slot: {...text, description: 'A slot of it; default: its only one.'},
            path: {type: 'string', pattern: '^/', description: 'A directory in it.'},
          },
        },
      ],
    },
    certs: {...texts, description: 'PEM files, for the trust stores of each image.'},
    path: {type: 'string', pattern: '^/', description: 'Where it goes in the image.'},
    owner: {...text, description: 'As 0:0, or by names of the image, as app:app.'},
    mode: {...text, description: 'As for chmod: u=rwX,go=rX.'},
    exclude: texts,
    whiteouts: {type: 'boolean'},
    'allow-empty': {type: 'boolean'},
    merge: {...texts, description: "Files merged with the vendor's: PATH=append, lines, replace."},
    parents: {enum: ['dir', 'base', 'omit']},
    layers: {anyOf: [{const: 'auto'}, {type: 'integer', minimum: 1, maximum: 127}]},
    compression: {enum: layerCompressions},
    'compression-level': {type: 'integer', minimum: 1, maximum: 9},
  },
} as const

/** The schema of fleet files, for editors. https://json-schema.org/draft-07 */
export const fleetSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'A fleet of images for inject apply',
  type: 'object',
  additionalProperties: false,
  required: ['images', 'slots'],
  properties: {
    fleet: {
      ...slot.properties.name,
      description: "Recorded with its slots; default: the file's name without its ending.",
    },
    defaults: {type: 'object', additionalProperties: false, properties: rules},
    images: {
      type: 'array',
      items: {
        anyOf: [
          text,
          {type: 'object', additionalProperties: false, properties: {...pattern, ...rules}},
        ],
      },
    },
    slots: {type: 'array', maxItems: 32, items: slot},
    prune: {
      description: 'Where else to look for slots that no entry asks for any more.',
      type: 'array',
      items: {anyOf: [text, {type: 'object', additionalProperties: false, properties: pattern}]},
    },
  },
} as const
