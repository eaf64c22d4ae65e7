import {describe, expect, it} from 'vitest'
import {decodeFleet, longestFile} from '../../../src/fleet/file/decode-fleet.js'
import {thrownBy} from '../../support/thrown-by.js'

const decode = (text: string, env: Record<string, string> = {}) =>
  decodeFleet({name: 'dir/my-fleet.yaml', text, env})

/** Where something stands in that file. */
const file = {name: 'dir/my-fleet.yaml', invalid: 'ERR_INJECT_FLEET_INVALID'}

const slots = 'slots: [{name: certs, source: ./certs}]'

it('reads the smallest file', () => {
  expect(decode(`images: [registry.example/app:v1, other.example/app]\n${slots}\n`)).toMatchObject({
    name: 'my-fleet',
    entries: [
      {
        at: {file, line: 1, column: 10},
        images: {kind: 'reference', reference: {repository: 'app', tag: 'v1'}},
        rules: {platforms: 'all', target: undefined, base: 'follow', attestations: 'drop'},
      },
      {images: {kind: 'reference', reference: {registry: 'other.example'}}},
    ],
    slots: [
      {
        name: 'certs',
        source: {kind: 'path', path: './certs'},
        path: undefined,
        parents: 'dir',
        exclude: [],
      },
    ],
    prune: [],
  })
})

it('reads every key', () => {
  const fleet = decode(
    `
# yaml-language-server: $schema=fleet.schema.json
fleet: corp
defaults:
  platforms: [linux/amd64, linux/arm64]
  target: "{{registry}}/certified/{{name}}:{{tag}}"
  base: pin
  attestations: keep
  keep: 3
  to-oci: true
  slots: certs
  edits:
    env: {SSL_CERT_DIR: /etc/ssl/certs, OLD: null}
    labels: {team: platform}
    annotations: {a: b}
    entrypoint: [/init]
    cmd: [serve]
    workdir: /srv
    user: "1000"
    stop-signal: SIGINT
images:
  - image: \${REGISTRY}/base/app
    tags: {match: ["v1.*"], semver: ">=1.2", exclude: ["*-debug"], latest: 5}
    slots: [certs, agent]
    platforms: all
  - repositories: registry.example/base/*
    tags: ["v*"]
  - registry.example/base/tool:v1.*
slots:
  - name: certs
    source: ./certs
    path: /etc/ssl/certs
    owner: "0:0"
    mode: u=rwX,go=rX
    exclude: ["*.key", /tmp]
    whiteouts: false
    allow-empty: true
    parents: base
    layers: auto
    compression: gzip
    compression-level: 9
  - {name: agent, source: $$HOME/agent, merge: /etc/hosts=lines, layers: 4, compression: zstd}
  - name: model
    source: {image: "\${REGISTRY}/team/model:v1", slot: weights, path: /opt/model}
    owner: app:app
  - {name: roots, certs: [./ca.pem, /etc/corp.pem]}
prune: [registry.example/old/*, registry.example/app:v1]
`,
    {REGISTRY: 'registry.example'},
  )
  expect(fleet).toMatchObject({
    name: 'corp',
    entries: [
      {
        images: {
          kind: 'tags',
          registry: 'registry.example',
          repository: 'base/app',
          tags: {match: ['v1.*'], semver: '>=1.2', exclude: ['*-debug'], latest: 5},
        },
        rules: {platforms: 'all', slots: ['certs', 'agent'], base: 'pin', keep: 3, toOci: true},
      },
      {
        images: {kind: 'repositories', repositories: 'base/*', tags: {match: ['v*']}},
        rules: {
          platforms: [{architecture: 'amd64'}, {architecture: 'arm64'}],
          target: {text: '{{registry}}/certified/{{name}}:{{tag}}'},
          edits: {
            env: {SSL_CERT_DIR: '/etc/ssl/certs', OLD: null},
            entrypoint: ['/init'],
            stopSignal: 'SIGINT',
          },
        },
      },
      {images: {kind: 'tags', repository: 'base/tool', tags: {match: ['v1.*']}}},
    ],
    slots: [
      {
        name: 'certs',
        path: '/etc/ssl/certs',
        owner: {uid: 0, gid: 0},
        exclude: ['*.key', '/tmp'],
        allowEmpty: true,
        parents: 'base',
        layers: 'auto',
        level: 9,
      },
      {
        name: 'agent',
        source: {kind: 'path', path: '$HOME/agent'},
        merges: [{path: '/etc/hosts', as: 'lines'}],
        layers: 4,
        compression: 'zstd',
      },
      {
        name: 'model',
        source: {
          kind: 'image',
          reference: {registry: 'registry.example', repository: 'team/model', tag: 'v1'},
          slot: 'weights',
          path: '/opt/model',
        },
        owner: {user: 'app', group: 'app'},
      },
      {name: 'roots', source: {kind: 'certs', files: ['./ca.pem', '/etc/corp.pem']}},
    ],
    prune: [{kind: 'repositories'}, {kind: 'reference'}],
  })
})

it('follows anchors', () => {
  const text = `images: [{image: &name r.example/a:v1}, {image: *name, base: pin}]\n${slots}`
  expect(decode(text).entries).toHaveLength(2)
})

const bomb = [
  'a: &a [x, x, x, x, x, x, x, x, x, x]',
  ...['b', 'c', 'd', 'e', 'f', 'g'].map((name, at) => {
    const before = 'abcdef'[at] ?? ''
    return `${name}: &${name} [${Array.from({length: 10}, () => `*${before}`).join(', ')}]`
  }),
].join('\n')

describe('a mistake is said on one line, with its place', () => {
  it.each([
    ['no text', '', '1:1: ', /is empty/],
    ['a list', '- x', '1:1: ', /must be a map/],
    ['no images', slots, '1:1: ', /needs images/],
    ['no slots', 'images: [a.example/b:v1]', '1:1: ', /needs slots/],
    ['an unknown key', `images: []\n${slots}\nimagse: []`, '3:1: ', /unknown key "imagse"/],
    ['a key twice', `images: []\nimages: []\n${slots}`, '2:1: ', /unique/],
    ['an unknown key of a slot', 'images: []\nslots: [{nmae: x}]', '2:10: ', /unknown key/],
    ['a tab', 'images:\n\t- x', '2:1: ', /./],
    ['an open bracket', 'images: [', '1:10: ', /./],
    ['two documents', `images: []\n${slots}\n---\n{}`, '3:1: ', /more than one document/],
    ['an alias bomb', bomb, '', /more than 100000 values|unknown key/],
    ['an alias of itself', 'images: &a [*a]\nslots: []', '1:13: ', /./],
    ['an unknown alias', 'images: [*nothing]', '1:10: ', /./],
    ['a merge key', `x: &x {a: b}\nimages: [{<<: *x}]\n${slots}`, '1:1: ', /unknown key "x"/],
    ['deep brackets', '['.repeat(200_000), '1:1: ', /nested too deep/],
    ['deep indentation', `${' '.repeat(2000)}a: b`, '1:1: ', /indented too deep/],
    ['a tag', `images: !!binary "YQ=="\n${slots}`, '1:', /./],
    ['a number', `images: [1]\n${slots}`, '1:10: ', /must be a text/],
    [
      'a version as number',
      `images: [{image: a.example/b, tags: [1.10]}]\n${slots}`,
      '1:38: ',
      /quotes|must be a text/,
    ],
    ['not a reference', `images: [Not/A/Reference]\n${slots}`, '1:10: ', /lower case|not an image/],
    [
      'a digest alone',
      `images: [a.example/b@sha256:${'0'.repeat(64)}]\n${slots}`,
      '1:10: ',
      /cannot move/,
    ],
    [
      'a target that climbs',
      `images: [{image: a.example/b:v1, target: "{{registry}}/../{{name}}:x"}]\n${slots}`,
      '1:42: ',
      /\.\./,
    ],
    [
      'a target of two hosts',
      `images: [{image: a.example/b:v1, target: "evil.example/{{registry}}/b:x"}]\n${slots}`,
      '1:42: ',
      /not/,
    ],
    [
      'a target without a tag',
      `images: [{image: a.example/b:v1, target: "{{registry}}/b"}]\n${slots}`,
      '1:42: ',
      /no tag/,
    ],
    [
      'an unknown word',
      `images: [{image: a.example/b:v1, target: "{{host}}/b:x"}]\n${slots}`,
      '1:42: ',
      /"host"/,
    ],
    [
      'code in a target',
      `images: [{image: a.example/b:v1, target: "{{registry}}/{{constructor}}:x"}]\n${slots}`,
      '1:42: ',
      /"constructor"/,
    ],
    [
      'a variable that is not set',
      `images: ["\${NOWHERE}/b:v1"]\n${slots}`,
      '1:10: ',
      /"NOWHERE" is not set/,
    ],
    ['a secret', `images: ["\${MY_TOKEN}/b:v1"]\n${slots}`, '1:10: ', /secret/],
    [
      'not a range',
      `images: [{image: a.example/b, tags: {semver: "newest!"}}]\n${slots}`,
      '1:46: ',
      /range/,
    ],
    ['a relative path', 'images: []\nslots: [{name: a, source: b, path: c}]', '2:36: ', /./],
    [
      'a slot twice',
      'images: []\nslots: [{name: a, source: b}, {name: a, source: c}]',
      '2:31: ',
      /twice/,
    ],
    [
      'a slot that there is not',
      `images: [{image: a.example/b:v1, slots: [x]}]\n${slots}`,
      '1:41: ',
      /no slot "x"/,
    ],
    [
      'a reserved label',
      `images: [{image: a.example/b:v1, edits: {labels: {certs_injection_tar: x}}}]\n${slots}`,
      '1:41: ',
      /./,
    ],
    ['no source', 'images: []\nslots: [{name: a}]', '2:9: ', /source or certs/],
    [
      'a source and certificates',
      'images: []\nslots: [{name: a, source: b, certs: c}]',
      '2:37: ',
      /either/,
    ],
    [
      'certificates with a path',
      'images: []\nslots: [{name: a, certs: c, path: /etc}]',
      '2:35: ',
      /certs has no path/,
    ],
    ['no certificates', 'images: []\nslots: [{name: a, certs: []}]', '2:26: ', /PEM/],
    [
      'a source without an image',
      'images: []\nslots: [{name: a, source: {slot: b}}]',
      '2:27: ',
      /needs image/,
    ],
    [
      'a source that is not a reference',
      'images: []\nslots: [{name: a, source: {image: "B C"}}]',
      '2:35: ',
      /./,
    ],
    [
      'a path of a source that climbs',
      'images: []\nslots: [{name: a, source: {image: r.example/b, path: /../x}}]',
      '2:54: ',
      /source.path/,
    ],
    [
      'a merge by an unknown rule',
      'images: []\nslots: [{name: a, source: b, merge: /etc/x=prepend}]',
      '2:37: ',
      /merge/,
    ],
    [
      'two merges of one file',
      'images: []\nslots: [{name: a, source: b, merge: [/x=append, /x=lines]}]',
      '2:37: ',
      /two ways/,
    ],
    [
      'an environment of null bytes',
      'images: []\nslots: [{name: a, source: "a\\0b"}]',
      '2:27: ',
      /./,
    ],
    ['the registry as a pattern', `images: ["*/b:v1"]\n${slots}`, '1:10: ', /./],
  ])('%s', (_, text, place, message) => {
    const error = thrownBy(() => decode(text))
    expect(error).toMatchObject({code: 'ERR_INJECT_FLEET_INVALID', name: 'UsageError'})
    const said = (error as Error).message
    expect(said).not.toContain('\n')
    expect(said.slice(0, `dir/my-fleet.yaml:${place}`.length)).toBe(`dir/my-fleet.yaml:${place}`)
    expect(said).toMatch(message)
    expect(said.length).toBeLessThan(400)
  })

  it('a file that is too long', () => {
    expect(thrownBy(() => decode('#'.repeat(longestFile + 1)))).toMatchObject({
      code: 'ERR_INJECT_FLEET_TOO_LARGE',
      name: 'LimitError',
    })
  })

  it('a file name that is not a name of a fleet', () => {
    const text = `images: []\n${slots}`
    const error = thrownBy(() => decodeFleet({name: '-.yaml', text, env: {}}))
    expect(error).toMatchObject({code: 'ERR_INJECT_FLEET_INVALID', hint: 'add fleet: NAME'})
  })
})
