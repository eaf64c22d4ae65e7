// What is in a package that npm run package makes: the licences of its parts, and their list.
import {createHash} from 'node:crypto'
import {readdirSync, readFileSync, statSync} from 'node:fs'
import {join} from 'node:path'

/** The texts of all licences, of Node's first. `parts` are of the lock, below `app`. */
export function licences(app, parts, node) {
  const texts = parts.map(({path, name: part, version: own, license: id}) => {
    const files = readdirSync(join(app, path))
      .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
      .filter((file) => statSync(join(app, path, file)).isFile())
      .sort()
    const found = files.map((file) => readFileSync(join(app, path, file), 'utf8').trim())
    return [`${part} ${own}: ${id ?? 'see below'}`, ...found].join('\n\n')
  })
  const line = `\n\n${'-'.repeat(80)}\n\n`
  return `${[`Node.js ${node.version}\n\n${node.licence.trim()}`, ...texts].join(line)}\n`
}

/**
 * The list of all parts; `own` is the program, `time` in seconds.
 * https://spdx.github.io/spdx-spec/v2.3/
 */
export function spdx({title, own, parts, node, time}) {
  const packageOf = (part, version, {id, integrity, resolved, purl}) => ({
    SPDXID: `SPDXRef-${`${part}-${version}`.replaceAll(/[^A-Za-z0-9.-]+/g, '-').replace(/^-/, '')}`,
    name: part,
    versionInfo: version,
    downloadLocation: resolved ?? 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: id ?? 'NOASSERTION',
    copyrightText: 'NOASSERTION',
    ...(integrity?.startsWith('sha512-') && {
      checksums: [
        {
          algorithm: 'SHA512',
          checksumValue: Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex'),
        },
      ],
    }),
    ...(purl && {
      externalRefs: [
        {referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl},
      ],
    }),
  })
  const main = packageOf(own.name, own.version, {id: own.license})
  const others = [
    packageOf('node', node.version, {id: 'MIT', integrity: node.integrity}),
    ...parts.map((part) =>
      packageOf(part.name, part.version, {
        ...{id: part.license, integrity: part.integrity, resolved: part.resolved},
        purl: `pkg:npm/${part.name.replace('@', '%40')}@${part.version}`,
      }),
    ),
  ]
  const distinct = [...new Map(others.map((each) => [each.SPDXID, each])).values()]
  const digest = createHash('sha256').update(JSON.stringify(distinct)).digest('hex')
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: title,
    documentNamespace: `https://spdx.org/spdxdocs/${title}-${digest.slice(0, 32)}`,
    creationInfo: {
      created: new Date(time * 1000).toISOString().replace('.000Z', 'Z'),
      creators: [`Tool: ${own.name}-${own.version}`],
    },
    packages: [main, ...distinct],
    relationships: [
      {
        spdxElementId: 'SPDXRef-DOCUMENT',
        relationshipType: 'DESCRIBES',
        relatedSpdxElement: main.SPDXID,
      },
      ...distinct.map((each) => ({
        spdxElementId: main.SPDXID,
        relationshipType: 'CONTAINS',
        relatedSpdxElement: each.SPDXID,
      })),
    ],
  }
  return `${JSON.stringify(document, null, 2)}\n`
}
