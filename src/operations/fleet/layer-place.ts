import {type Reference, repositoryName} from '../../oci/names/reference.js'

/** The registry and repository of a reference; a place on disk is a registry of one repository. */
export function placeOf(reference: Reference): {
  readonly registry: string
  readonly repository: string
} {
  if (reference.kind === 'registry') return reference
  return {registry: repositoryName(reference), repository: ''}
}
