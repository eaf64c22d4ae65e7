import {formatReference, type Reference} from '../../oci/names/reference.js'
import {pathBelow} from '../../oci/names/registry-prefix.js'
import type {CopyAllOptions} from './request.js'

type Ends = Pick<CopyAllOptions, 'from' | 'to'>

/** What a repository of the source is called in the target's registry. */
export function nameInTarget({from, to}: Ends, repository: string): string {
  const name = pathBelow(from, repository) ?? repository
  return to.path === '' ? name : `${to.path}/${name}`
}

/** A tag of a repository, here and there. */
export interface ImageName {
  readonly repository: string
  readonly tag: string
  readonly source: Reference
  readonly target: Reference
  /** The same, formatted. */
  readonly reference: string
  readonly targetName: string
}

export function imageName(ends: Ends, repository: string, tag: string): ImageName {
  const {from, to} = ends
  const source = {kind: 'registry', registry: from.registry, repository, tag} as const
  const name = nameInTarget(ends, repository)
  const target = {kind: 'registry', registry: to.registry, repository: name, tag} as const
  const reference = formatReference(source)
  return {repository, tag, source, target, reference, targetName: formatReference(target)}
}

/** A whole repository, here and there, for what concerns all of its tags. */
export function repositoryNames(
  ends: Ends,
  repository: string,
): Pick<ImageName, 'reference' | 'targetName'> {
  const {from, to} = ends
  return {
    reference: `${from.registry}/${repository}`,
    targetName: `${to.registry}/${nameInTarget(ends, repository)}`,
  }
}
