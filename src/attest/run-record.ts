import * as v from 'valibot'
import {type Digest, isDigest} from '../oci/digest.js'
import {looseShape, textShape} from '../oci/shape.js'
import {parseTime} from '../oci/time.js'
import type {ImageRecord} from './provenance.js'
import type {Statement} from './statement.js'
import {provenanceType, slotBuildType} from './types.js'

/** What a statement of ours says of a run. */
export interface RunRecord {
  readonly images: readonly ImageRecord[]
  /** Seconds since the epoch, as the statement says. */
  readonly finished: number
}

const digestShape = v.custom<Digest>(isDigest, 'must be a digest')
const layerShape = looseShape({diffId: digestShape, digest: digestShape})
const recordShape = looseShape({
  digest: digestShape,
  platform: textShape,
  vendor: v.nullable(digestShape),
  slots: v.array(looseShape({name: textShape, path: textShape, layers: v.array(layerShape)})),
})
const predicateShape = looseShape({
  buildDefinition: looseShape({
    buildType: v.literal(slotBuildType),
    internalParameters: looseShape({images: v.array(recordShape)}),
  }),
  runDetails: looseShape({metadata: looseShape({finishedOn: textShape})}),
})

/** The record in a statement; `undefined` if it is not one that `inject` writes. */
export function runRecordIn({predicateType, predicate}: Statement): RunRecord | undefined {
  if (predicateType !== provenanceType || !v.is(predicateShape, predicate)) return undefined
  const {buildDefinition, runDetails} = predicate as unknown as PredicateView
  const finished = parseTime(runDetails.metadata.finishedOn)
  if (finished === undefined) return undefined
  return {images: buildDefinition.internalParameters.images, finished}
}

interface PredicateView {
  readonly buildDefinition: {
    readonly internalParameters: {readonly images: readonly ImageRecord[]}
  }
  readonly runDetails: {readonly metadata: {readonly finishedOn: string}}
}
