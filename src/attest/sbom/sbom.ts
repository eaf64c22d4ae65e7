import type {Statement} from '../statement.js'
import {cyclonedxType, spdxType} from '../types.js'
import {cyclonedxOf} from './cyclonedx.js'
import type {SbomFacts, SbomFormat} from './facts.js'
import {spdxOf} from './spdx.js'

/** The document, and the type by which a statement names it. */
export function sbomOf(
  format: SbomFormat,
  facts: SbomFacts,
): Pick<Statement, 'predicateType' | 'predicate'> {
  return format === 'spdx'
    ? {predicateType: spdxType, predicate: spdxOf(facts)}
    : {predicateType: cyclonedxType, predicate: cyclonedxOf(facts)}
}

/** The format of a list by its predicate type; `undefined` for other statements. */
export function sbomFormatOf(predicateType: string | undefined): SbomFormat | undefined {
  if (predicateType === cyclonedxType) return 'cyclonedx'
  return predicateType === spdxType || predicateType?.startsWith(`${spdxType}/`)
    ? 'spdx'
    : undefined
}
