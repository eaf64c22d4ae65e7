import {parseReference, type Reference} from '../../src/oci/names/reference.js'
import type {RemoveRequest} from '../../src/operations/remove.js'
import type {SetupRequest} from '../../src/operations/setup.js'
import type {Output} from '../../src/operations/source/outputs.js'
import type {PackRules} from '../../src/operations/source/source-tree.js'
import type {UpdateRequest} from '../../src/operations/update.js'

type Layer = UpdateRequest['layer']

/** What a test asks of a command that changes an image; the parts of the request in one. */
export interface InjectionOptions
  extends
    Partial<Omit<UpdateRequest['image'], 'reference'>>,
    Partial<UpdateRequest['target']>,
    Partial<UpdateRequest['publish']>,
    Omit<Layer, 'sharding'> {
  /** Default: `registry.example/team/app:v1`. */
  readonly reference?: Reference
  readonly layers?: Layer['sharding']
}

/** The same of an update. */
export interface UpdateOptions extends InjectionOptions, Partial<PackRules> {
  readonly directory: string
  readonly outputs?: readonly Output[] | undefined
}

/** A request with nothing in it but what a test says. */
export function injectionRequest(options: InjectionOptions = {}): SetupRequest & RemoveRequest {
  const {reference = parseReference('registry.example/team/app:v1'), name = 'cvmfs'} = options
  const {adopt, indexAnnotations, merges} = options
  const {platforms, tags = [], to, layers: sharding, path, created, edits} = options
  const {compression, level, toOci, parents, attestations, chunkSize} = options
  const {onConflict = 'fail', noClobber = false, dryRun = false} = options
  return {
    image: {reference, name, platforms, adopt},
    target: {to, tags},
    layer: {
      ...{sharding, path, created, edits, compression, level, toOci, parents},
      ...{indexAnnotations, merges},
    },
    publish: {onConflict, noClobber, dryRun, attestations, chunkSize},
  }
}

/** The same of an update. */
export function updateRequest(options: UpdateOptions): UpdateRequest {
  const {directory, exclude = [], whiteouts, owner, chmod, allowEmpty, outputs} = options
  const rules = {exclude, whiteouts, owner, chmod, allowEmpty}
  return {...injectionRequest(options), source: {directory, ...rules, outputs}}
}
