import {createHash} from 'node:crypto'
import type {FoundPackage} from './packages.js'
import type {ListedFile, SbomFacts} from './facts.js'

const document = 'SPDXRef-DOCUMENT'
const slots = 'SPDXRef-Slots'

/** An SPDX document. https://spdx.github.io/spdx-spec/v2.3/ */
export function spdxOf(facts: SbomFacts): Readonly<Record<string, unknown>> {
  const {image, files, packages, version, created} = facts
  const named = facts.slots.map(({name, diffIds}) => `${name} ${diffIds.join(' ')}`)
  const key = createHash('sha256')
    .update([image, ...named].join('\n'))
    .digest('hex')
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: document,
    name: `slots of ${image}`,
    documentNamespace: `https://inject.dev/sbom/spdx/${key}`,
    creationInfo: {
      created: created.toISOString().replace(/\.\d+Z$/, 'Z'),
      creators: [`Tool: inject-${version}`],
    },
    packages: [
      {
        SPDXID: slots,
        name: facts.slots.map(({name}) => name).join(', '),
        downloadLocation: 'NOASSERTION',
        filesAnalyzed: false,
        externalRefs: facts.vendorLists.map((locator) => ({
          referenceCategory: 'OTHER',
          referenceType: 'sbom',
          referenceLocator: locator,
        })),
      },
      ...packages.map(spdxPackage),
    ],
    files: files.map(spdxFile),
    relationships: [
      relationship(document, 'DESCRIBES', slots),
      ...packages.map((_, at) => relationship(slots, 'CONTAINS', packageId(at))),
      ...files.map((_, at) => relationship(slots, 'CONTAINS', fileId(at))),
    ],
  }
}

function spdxPackage({name, version, purl}: FoundPackage, at: number) {
  return {
    SPDXID: packageId(at),
    name,
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    externalRefs: [
      {referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl},
    ],
  }
}

function spdxFile({path, sha1, sha256}: ListedFile, at: number) {
  return {
    SPDXID: fileId(at),
    fileName: `.${path}`,
    checksums: [
      {algorithm: 'SHA1', checksumValue: sha1},
      {algorithm: 'SHA256', checksumValue: sha256},
    ],
  }
}

function relationship(spdxElementId: string, relationshipType: string, relatedSpdxElement: string) {
  return {spdxElementId, relationshipType, relatedSpdxElement}
}

const packageId = (at: number): string => `SPDXRef-Package-${at + 1}`
const fileId = (at: number): string => `SPDXRef-File-${at + 1}`
