import type {FoundPackage} from './packages.js'
import type {ListedFile, SbomFacts} from './facts.js'

/** A CycloneDX document. https://cyclonedx.org/docs/1.5/json/ */
export function cyclonedxOf(facts: SbomFacts): Readonly<Record<string, unknown>> {
  const {image, files, packages, vendorLists, version, created} = facts
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      timestamp: created.toISOString().replace(/\.\d+Z$/, 'Z'),
      tools: {components: [{type: 'application', name: 'inject', version}]},
      component: {
        type: 'container',
        'bom-ref': 'image',
        name: image,
        properties: facts.slots.map(({name, diffIds}) => ({
          name: `dev.inject:slot:${name}`,
          value: diffIds.join(' '),
        })),
      },
    },
    components: [...packages.map(library), ...files.map(file)],
    externalReferences: vendorLists.map((url) => ({type: 'bom', url})),
  }
}

function library({name, version, purl}: FoundPackage, at: number) {
  return {type: 'library', 'bom-ref': `package-${at + 1}`, name, version, purl}
}

function file({path, sha1, sha256}: ListedFile, at: number) {
  return {
    type: 'file',
    'bom-ref': `file-${at + 1}`,
    name: path,
    hashes: [
      {alg: 'SHA-1', content: sha1},
      {alg: 'SHA-256', content: sha256},
    ],
  }
}
