import {UsageError} from '../../errors.js'
import {parseReference} from '../../oci/reference.js'
import {parseRegistryName} from '../../registry/credentials/registry-name.js'

export interface DoctorTarget {
  readonly registry: string
  /** Empty: the registry as a whole. */
  readonly repository: string
  readonly reference: string | undefined
}

/** `REGISTRY` or `REGISTRY/REPOSITORY[:TAG]`. Throws `UsageError`, also when uploads are to be tried and there is no repository to try them in. */
export function doctorTarget(text: string, writes: boolean): DoctorTarget {
  const name = text.replace(/\/$/, '')
  if (!name.includes('/') || /^https?:\/\/[^/]*$/i.test(name)) {
    const registry = parseRegistryName(name)
    if (!writes) return {registry, repository: '', reference: undefined}
    throw new UsageError('ERR_INJECT_NO_REPOSITORY', 'there is no repository to write to', {
      hint: `name one: inject doctor ${registry}/REPOSITORY --write`,
    })
  }
  const reference = parseReference(name)
  if (reference.kind !== 'registry') {
    throw new UsageError('ERR_INJECT_NOT_IN_A_REGISTRY', 'a local image is in no registry', {
      hint: 'name a registry',
    })
  }
  const {registry, repository, digest, tag} = reference
  return {registry, repository, reference: digest ?? tag}
}
