import {type Reference, repositoryName} from '../../oci/names/reference.js'
import type {HeldLayer} from './fleet-layers.js'

/** The registry and repository of a reference; a place on disk is a registry of one repository. */
export function placeOf(reference: Reference): Pick<HeldLayer, 'registry' | 'repository'> {
  if (reference.kind === 'registry') return reference
  return {registry: repositoryName(reference), repository: ''}
}
