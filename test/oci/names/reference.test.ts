import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {InjectError, UsageError} from '../../../src/errors.js'
import {digestOf} from '../../../src/oci/digest.js'
import {
  formatReference,
  parseReference,
  parseTag,
  type Reference,
  referenceIn,
  repositoryName,
} from '../../../src/oci/names/reference.js'
import {encode} from '../../support/images.js'
import {thrownBy} from '../../support/thrown-by.js'
import {runs} from '../../support/property-runs.js'

const digest = digestOf(encode('x'))
const digest512 = digestOf(encode('x'), 'sha512')

describe('a reference to a registry', () => {
  test.each([
    ['R1', 'ubuntu', 'docker.io', 'library/ubuntu'],
    ['R2', 'user/x', 'docker.io', 'user/x'],
    ['R2', 'user/team/x', 'docker.io', 'user/team/x'],
    ['R3', 'localhost:5000/x', 'localhost:5000', 'x'],
    ['R3', 'localhost/x', 'localhost', 'x'],
    ['R3', '127.0.0.1:5000/a/b/c', '127.0.0.1:5000', 'a/b/c'],
    ['R4', '[::1]:5000/x', '[::1]:5000', 'x'],
    ['R4', '[2001:DB8::1]/a/x', '[2001:db8::1]', 'a/x'],
    ['R18', 'docker://host/x', 'docker.io', 'host/x'],
    ['R18', 'docker://registry.example/x', 'registry.example', 'x'],
    ['R20', 'a__b', 'docker.io', 'library/a__b'],
    ['R20', 'registry.example/a--b/c.d/e_f', 'registry.example', 'a--b/c.d/e_f'],
    ['Hub', 'docker.io/ubuntu', 'docker.io', 'library/ubuntu'],
    ['Hub', 'index.docker.io/user/x', 'docker.io', 'user/x'],
    ['Hub', 'registry-1.docker.io/library/x', 'docker.io', 'library/x'],
    ['case', 'Registry.Example:443/x', 'registry.example:443', 'x'],
    ['case', 'LOCALHOST/x', 'localhost', 'x'],
    ['odd', 'localhost', 'docker.io', 'library/localhost'],
    ['R16', `registry.example/${'a'.repeat(255)}`, 'registry.example', 'a'.repeat(255)],
  ])('%s %s', (_, text, registry, repository) => {
    const reference = parseReference(text)
    expect(reference).toStrictEqual({kind: 'registry', registry, repository})
    expect(repositoryName(reference)).toBe(`${registry}/${repository}`)
    expect(formatReference(reference)).toBe(`${registry}/${repository}`)
  })

  test.each([
    ['R9 tag and digest', `x:t@${digest}`, {tag: 't', digest}],
    ['a digest', `x@${digest}`, {digest}],
    ['a digest of sha512', `localhost:5000/x@${digest512}`, {digest: digest512}],
    ['a tag', 'registry.example:5000/a/b:1.0-rc.1_x', {tag: '1.0-rc.1_x'}],
    ['a tag like a port', 'local:5000', {tag: '5000'}],
    ['a tag like a port after a path', 'docker.io/library/localhost:5000', {tag: '5000'}],
    ['R14 a tag of 128', `x:${'t'.repeat(128)}`, {tag: 't'.repeat(128)}],
    ['R15 a tag that begins with _', 'x:_', {tag: '_'}],
  ])('%s', (_, text, expected) => {
    const reference = parseReference(text)
    const {tag, digest: found} = reference
    expect({...(tag !== undefined && {tag}), ...(found && {digest: found})}).toEqual(expected)
    expect(parseReference(formatReference(reference))).toStrictEqual(reference)
  })

  test.each([
    ['R5', 'host:99999/x', 'a host'],
    ['R5', 'host:0/x', 'a host'],
    ['R5', 'host:/x', 'a host'],
    ['R5', 'host:port/x', 'a host'],
    ['R4', '[::1/x', 'a host'],
    ['R4', '[:::1]/x', 'a host'],
    ['R4', '[1.2.3.4]/x', 'a host'],
    ['R4', '::1/x', 'a host'],
    ['R6', ':tag', 'it names no repository'],
    ['a registry alone', 'localhost:5000', 'a registry, and no repository in it'],
    ['a registry alone', '127.0.0.1:5000', 'a registry, and no repository in it'],
    [
      'a registry alone',
      `docker://registry.example:443@${digest}`,
      'a registry, and no repository',
    ],
    ['R7', 'x:', 'its tag is empty'],
    ['R8', 'x@', 'not a digest'],
    ['R10', 'x@sha256:short', 'not a digest'],
    ['R10', `x@${digest.toUpperCase()}`, 'not a digest'],
    ['R10', 'x@md5:d41d8cd98f00b204e9800998ecf8427e', 'not a digest'],
    ['R10', `x@${digest}@${digest}`, 'not a digest'],
    ['R9 the wrong way round', `x@${digest}:t`, 'not a digest'],
    ['R11', 'registry.example/Foo', '"Foo" is not a repository'],
    ['R11', 'Foo/bar', '"Foo/bar" is not a repository'],
    ['R12', 'a//b', 'not a repository'],
    ['a path', '/a', 'it is a path'],
    ['a path', './dir', 'it is a path'],
    ['a path', '~/dir', 'it is a path'],
    ['a path', '.', 'it is a path'],
    ['a path', '/', 'it is a path'],
    ['R12', 'a/', 'not a repository'],
    ['R12', 'registry.example/', 'not a repository'],
    ['R13', 'a/../b', 'not a repository'],
    ['R13', 'a/./b', 'not a repository'],
    ['R13', '../b', 'it is a path'],
    ['R14', `x:${'t'.repeat(129)}`, 'is not a tag'],
    ['R15', 'x:-x', '"-x" is not a tag'],
    ['R15', 'x:.x', '".x" is not a tag'],
    ['R15', 'x:a:b', '"a:b" is not a tag'],
    ['R16', `registry.example/${'a'.repeat(256)}`, 'longer than 255'],
    ['R16', `${'a'.repeat(252)}.org/x`, 'a host'],
    ['R17', 'http://host/x', 'it is a URL'],
    ['R17', 'HTTPS://host/x', 'it is a URL'],
    ['R19 a space', 'a b', 'not a repository'],
    ['R19 a space before', ' a', 'not a repository'],
    ['R19 a newline', 'a\n', '"a\\n" is not a repository'],
    ['R19 a newline in the host', 'registry.example\n/a', 'a host'],
    ['R19 NUL', 'a\u0000', 'not a repository'],
    ['R19 right to left', 'a\u202Eb', '"a\\u202eb" is not a repository'],
    ['R19 a look-alike', 'ubunt\u03C5', '"ubunt\\u03c5" is not a repository'],
    ['R19 a look-alike host', 'r\u0435gistry.example/x', '"r\\u0435gistry.example" is not a host'],
    ['R20', 'a___b', 'not a repository'],
    ['R20', 'a.-b', 'not a repository'],
    ['R20', 'a..b', 'not a repository'],
    ['R20', '-a', 'not a repository'],
    ['R20', 'a_', 'not a repository'],
    ['R20', '-host.example/a', 'a host'],
    ['R20', 'host_name.example/a', 'a host'],
    ['R21', '', 'it names no repository'],
    ['R21', 'docker://', 'it names no repository'],
    ['R21', `@${digest}`, 'it names no repository'],
    ['an archive', 'oci-archive:', 'it names no file'],
    ['an archive', 'oci-archive::v1', 'it names no file'],
    ['an archive', 'oci-archive:folder/', 'it names no file'],
    ['an archive', 'oci-archive:x.tar:', 'its tag is empty'],
    ['an archive', 'oci-archive:x\n.tar', 'its file has control characters'],
    ['an archive', 'docker-archive:', 'it names no file'],
    ['an archive', 'docker-archive:x.tar:', 'it names no repository'],
    ['an archive', 'docker-archive:x.tar:A:v1', '"A" is not a repository'],
    ['an archive', `docker-archive:x.tar:a@${digest}`, 'a name and a digest are given'],
    ['an archive', `docker-archive:x.tar:@1@${digest}`, 'a name and a digest are given'],
    ['an archive', 'docker-archive:x.tar:@-1', 'not a digest'],
    ['an archive', 'docker-archive:x.tar:@1x', 'not a digest'],
    ['other prefix', 'docker-daemon:x', '"docker-daemon:" is not supported'],
    ['other prefix', 'containers-storage:x', '"containers-storage:" is not supported'],
    ['other prefix', 'ocidir://x:v1', '"ocidir:" is not supported'],
    ['other prefix', 'dir:x', '"dir:" is not supported'],
    ['other prefix', 'dir:/x', '"dir:" is not supported'],
    ['other prefix', 'file:///x.tar', '"file:" is not supported'],
    ['other prefix', 'oci://ghcr.io/x:1', '"oci://" is not a prefix'],
    ['other prefix', 'OCI://ghcr.io/x:1', '"oci://" is not a prefix'],
  ])('%s %j is refused', (_, text, why) => {
    const error = thrownBy(() => parseReference(text))
    expect(error).toBeInstanceOf(UsageError)
    expect(error.code).toBe('ERR_INJECT_REFERENCE_INVALID')
    expect(error.message).toContain(why)
    expect(error.message).toMatch(/^not an image reference: [\x20-\x7e…]*$/)
  })

  test.each([
    'user:pw@host/x',
    'user:pw@host:5000/x',
    'user:pw@host',
    'user:pw@sha256:short',
    'user:p@pw@host/x',
    'user:p/pw@host/x',
    `user:pw@host/x@${digest}`,
    'docker://user:pw@host/x',
    'https://user:pw@host/x',
    'pw@host/x',
  ])('R24 %s is refused without repeating the password', (text) => {
    const error = thrownBy(() => parseReference(text))
    expect(error.code).toBe('ERR_INJECT_REFERENCE_INVALID')
    expect(`${error.message} ${error.hint ?? ''} ${error.stack ?? ''}`).not.toContain('pw')
  })

  test('R11 the hint for an upper-case repository says what is wrong', () => {
    expect(thrownBy(() => parseReference('registry.example/Foo')).hint).toBe(
      'repositories are in lower case',
    )
  })
})

describe('a reference to a layout', () => {
  test.each([
    ['oci:dir', {directory: 'dir'}],
    ['oci:dir:tag', {directory: 'dir', tag: 'tag'}],
    ['oci:/a/b/', {directory: '/a/b'}],
    ['oci:/', {directory: '/'}],
    ['oci:///', {directory: '/'}],
    ['oci:./a:b/c', {directory: './a:b/c'}],
    ['oci:./a:b/c:1.0', {directory: './a', tag: 'b/c:1.0'}],
    ['oci:./a:b/c/:1.0', {directory: './a:b/c', tag: '1.0'}],
    [
      'oci:dir:docker.io/library/alpine:3.1',
      {directory: 'dir', tag: 'docker.io/library/alpine:3.1'},
    ],
    ['oci:dir:localhost/ko:latest', {directory: 'dir', tag: 'localhost/ko:latest'}],
    ['oci:dir:localhost:5000/a/b:1', {directory: 'dir', tag: 'localhost:5000/a/b:1'}],
    ['oci:dir:alpine:3.1', {directory: 'dir', tag: 'alpine:3.1'}],
    [`oci:dir:x.example/a:1@${digest}`, {directory: 'dir', tag: 'x.example/a:1', digest}],
    ['oci:dir:x.example/A:1', {directory: 'dir:x.example/A', tag: '1'}],
    ['oci:dir:x.example/a', {directory: 'dir:x.example/a'}],
    ['oci:C:/x/y:v1', {directory: 'C:/x/y', tag: 'v1'}],
    ['oci:a:b/', {directory: 'a:b'}],
    ['oci:a:b:c', {directory: 'a', tag: 'b:c'}],
    ['oci:a:b/:c', {directory: 'a:b', tag: 'c'}],
    ['oci:a:-b', {directory: 'a:-b'}],
    ['oci:a b é', {directory: 'a b é'}],
    ['oci:a@b', {directory: 'a@b'}],
    ['oci:a@b:tag', {directory: 'a@b', tag: 'tag'}],
    [`oci:dir@${digest}`, {directory: 'dir', digest}],
    [`oci:dir:tag@${digest}`, {directory: 'dir', tag: 'tag', digest}],
    [`oci:a@b:tag@${digest512}`, {directory: 'a@b', tag: 'tag', digest: digest512}],
    ['oci:a@sha256:x/y', {directory: 'a@sha256:x/y'}],
  ])('%s', (text, expected) => {
    const reference = parseReference(text)
    expect(reference).toStrictEqual({kind: 'layout', ...expected})
    expect(repositoryName(reference)).toBe(`oci:${expected.directory}`)
    expect(parseReference(formatReference(reference))).toStrictEqual(reference)
  })

  test.each([
    ['oci:', 'it names no directory'],
    ['oci::tag', 'it names no directory'],
    [`oci:@${digest}`, 'it names no directory'],
    ['oci:dir:', 'its tag is empty'],
    ['oci:dir@sha256:short', '"sha256:short" is not a digest'],
    ['oci:a\u0000b', 'control characters'],
    ['oci:a\nb', 'control characters'],
    ['oci:a\ud800b', 'control characters'],
  ])('%j is refused', (text, why) => {
    const error = thrownBy(() => parseReference(text))
    expect(error).toBeInstanceOf(UsageError)
    expect(error.code).toBe('ERR_INJECT_REFERENCE_INVALID')
    expect(error.message).toContain(why)
  })
})

describe('a reference to an archive', () => {
  test.each([
    ['oci-archive:a.tar', {kind: 'oci-archive', file: 'a.tar'}, 'oci-archive:a.tar'],
    [
      'oci-archive:/x/a:b.tar:v1',
      {kind: 'oci-archive', file: '/x/a:b.tar', tag: 'v1'},
      'oci-archive:/x/a:b.tar',
    ],
    [
      `oci-archive:a.tar:v1@${digest}`,
      {kind: 'oci-archive', file: 'a.tar', tag: 'v1', digest},
      'oci-archive:a.tar',
    ],
    ['docker-archive:a.tar', {kind: 'docker-archive', file: 'a.tar'}, 'docker-archive:a.tar'],
    [
      'docker-archive:a.tar:@1',
      {kind: 'docker-archive', file: 'a.tar', index: 1},
      'docker-archive:a.tar:@1',
    ],
    [
      `docker-archive:a.tar@${digest}`,
      {kind: 'docker-archive', file: 'a.tar', digest},
      'docker-archive:a.tar',
    ],
    [
      'oci-archive:a.tar:docker.io/library/x:1',
      {kind: 'oci-archive', file: 'a.tar', tag: 'docker.io/library/x:1'},
      'oci-archive:a.tar',
    ],
    [
      'oci-archive:a-10:00.tar:localhost/x:1',
      {kind: 'oci-archive', file: 'a-10:00.tar', tag: 'localhost/x:1'},
      'oci-archive:a-10:00.tar',
    ],
    [
      'docker-archive:a.tar:team/app',
      {kind: 'docker-archive', file: 'a.tar', name: 'team/app'},
      'docker-archive:a.tar:team/app',
    ],
    [
      'docker-archive:a.tar:localhost:5000/app:v1',
      {kind: 'docker-archive', file: 'a.tar', name: 'localhost:5000/app', tag: 'v1'},
      'docker-archive:a.tar:localhost:5000/app',
    ],
  ])('%s', (text, expected, name) => {
    const reference = parseReference(text)
    expect(reference).toStrictEqual(expected)
    expect(repositoryName(reference)).toBe(name)
    expect(formatReference(reference)).toBe(text)
  })
})

describe('parseTag', () => {
  test.each(['latest', '1.0', '_', 'A-b.c', 't'.repeat(128)])('takes %s', (text) => {
    expect(parseTag(text)).toBe(text)
  })

  test.each([
    ['R22 a digest', digest, 'a digest cannot be a tag', 'a digest names bytes'],
    ['R22 a digest of sha512', digest512, 'a digest cannot be a tag', 'a digest names bytes'],
    [
      'R22 a reference by digest',
      `x@${digest}`,
      'a digest cannot be a tag',
      'a digest names bytes',
    ],
    [
      'a reference',
      'registry.example/x:tag',
      'not a tag: "registry.example/x:tag"',
      'give the tag alone',
    ],
    ['a reference with a password', 'user:pw@host/x:tag', 'not a tag', 'give the tag alone'],
    ['R14', 't'.repeat(129), `not a tag: "${'t'.repeat(129)}"`, 'a tag is 1 to 128'],
    ['R15', '-x', 'not a tag: "-x"', 'a tag is 1 to 128'],
    ['R15', '.x', 'not a tag: ".x"', 'a tag is 1 to 128'],
    ['R19', 'a\n', 'not a tag: "a\\n"', 'a tag is 1 to 128'],
    ['R21', '', 'not a tag: ""', 'a tag is 1 to 128'],
  ])('%s is refused', (_, text, message, hint) => {
    const error = thrownBy(() => parseTag(text))
    expect(error).toBeInstanceOf(UsageError)
    expect(error).toMatchObject({code: 'ERR_INJECT_TAG_INVALID', message})
    expect(error.hint).toContain(hint)
    expect(error.message).not.toContain('pw')
  })
})

describe('properties', () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?$/)
  const port = fc.option(fc.integer({min: 1, max: 65535}), {nil: undefined})
  const host = fc.oneof(
    fc.array(label, {minLength: 2, maxLength: 4}).map((labels) => `r${labels.join('.')}.x`),
    fc.constantFrom('localhost', '[::1]', '127.0.0.1', 'docker.io'),
  )
  const registry = fc
    .tuple(host, port)
    .map(([name, number]) => (number === undefined ? name : `${name}:${number}`))
  const component = fc.stringMatching(/^[a-z0-9]{1,5}((\.|_|__|-{1,3})[a-z0-9]{1,5}){0,2}$/)
  const repository = fc
    .array(component, {minLength: 2, maxLength: 4})
    .map((parts) => parts.join('/'))
  const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/)
  const anyDigest = fc
    .tuple(fc.string(), fc.constantFrom('sha256', 'sha512'))
    .map(([text, algorithm]) => digestOf(encode(text), algorithm))
  const ends = fc.record({tag, digest: anyDigest}, {requiredKeys: []})
  const directory = fc
    .array(
      fc.oneof(
        fc.constantFrom(':', '@', '/', '.', '-', 'a', 'é', ' ', '@sha256:', '@sha512', ':tag'),
        fc.constant(`@${digest}`),
      ),
      {
        minLength: 1,
        maxLength: 8,
      },
    )
    .map((parts) => parts.join('').replace(/(?<=.)\/+$/, ''))
    // several slashes at the start are written as one
    .map((path) => path.replace(/^\/{2,}/, '/'))
  const reference: fc.Arbitrary<Reference> = fc.oneof(
    fc
      .tuple(fc.record({kind: fc.constant('registry' as const), registry, repository}), ends)
      .map(([name, end]) => ({...name, ...end})),
    fc
      .tuple(fc.record({kind: fc.constant('layout' as const), directory}), ends)
      .map(([name, end]) => ({...name, ...end})),
  )

  test('P9 a path that begins with several slashes is written with one', () => {
    const reference = {kind: 'layout', directory: '//host/a', tag: 'v1'} as const
    expect(formatReference(reference)).toBe('oci:/host/a:v1')
  })

  test('P9 what is formatted is parsed as the same', () => {
    fc.assert(
      fc.property(reference, (expected) => {
        expect(parseReference(formatReference(expected))).toStrictEqual(expected)
      }),
      {numRuns: runs(5)},
    )
  })

  test('P9 whatever is accepted is printed without anything before an @ but a digest', () => {
    const piece = fc.constantFrom(
      'user',
      ':',
      'secret',
      '@',
      'host.example',
      '/',
      'x',
      `@${digest}`,
      'docker://',
      '5000',
    )
    fc.assert(
      fc.property(fc.array(piece, {maxLength: 8}), (pieces) => {
        try {
          const printed = formatReference(parseReference(pieces.join('')))
          expect(printed.replace(/@sha256:[0-9a-f]{64}$/, '')).not.toContain('@')
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError)
          if (pieces.includes('@')) expect(String(error)).not.toContain('secret')
        }
      }),
      {numRuns: runs(5)},
    )
  })

  test('P10 any string gives a reference or an error of ours, however long', () => {
    const odd = fc.oneof(
      fc.string({unit: 'binary', maxLength: 300}),
      fc.string({unit: 'grapheme'}),
      fc.stringMatching(/^[a-z0-9:/@.[\]_-]{0,60}$/),
    )
    const prefix = fc.constantFrom('', 'oci:', 'docker://', 'localhost:5000/')
    fc.assert(
      fc.property(prefix, odd, fc.constantFrom(1, 2000), (start, text, times) => {
        for (const parse of [parseReference, parseTag]) {
          try {
            parse(start + text.repeat(times))
          } catch (error) {
            expect(error).toBeInstanceOf(InjectError)
          }
        }
      }),
    )
  })

  test('P10 text made to make a parser backtrack', () => {
    for (const text of [
      'a'.repeat(1e5),
      'a-'.repeat(1e5),
      '/'.repeat(1e5) + 'x',
      'a.'.repeat(1e5),
      ':'.repeat(1e5),
      '@'.repeat(1e5),
    ]) {
      expect(() => parseReference(`oci:${text}!`)).not.toThrow(TypeError)
      expect(() => parseReference(`${text}!`)).toThrow(UsageError)
      expect(() => parseTag(`${text}!`)).toThrow(UsageError)
    }
  })
})

describe('a reference to a folder of plain files', () => {
  test.each([
    ['fast:dir', {directory: 'dir'}],
    ['fast:/a/b:c//', {directory: '/a/b:c'}],
    [`fast:dir@${digest}`, {directory: 'dir', digest}],
    [`fast:a@sha256/@${digest}`, {directory: 'a@sha256', digest}],
  ])('%s', (text, expected) => {
    const reference = parseReference(text)
    expect(reference).toStrictEqual({kind: 'fast', ...expected})
    expect(parseReference(formatReference(reference))).toStrictEqual(reference)
  })

  test.each(['fast:', 'fast:a\nb', 'fast:dir@sha256:short'])('not %j', (text) => {
    expect(thrownBy(() => parseReference(text))).toBeInstanceOf(UsageError)
  })
})

test('a text that is not a reference names nothing where that is allowed', () => {
  expect(referenceIn('registry.example/app:v1')).toEqual(parseReference('registry.example/app:v1'))
  expect(referenceIn('registry.example/App:v1')).toBeUndefined()
})
