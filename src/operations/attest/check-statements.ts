import {decodeBundle} from '../../attest/bundle.js'
import {type RunRecord, runRecordIn} from '../../attest/run-record.js'
import {decodeStatement, isAbout, type Statement} from '../../attest/statement.js'
import {bundleType, statementType} from '../../attest/types.js'
import {InjectError} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'
import type {SignatureChecks} from '../../signing/signature-checks.js'
import type {ContentStore} from '../../store/content-store.js'
import {type FoundReferrer, largestDocument, readDocument} from './read-referrers.js'

/** A statement that somebody signed, and that is about the manifest that was asked for. */
export interface SignedStatement {
  readonly statement: Statement
  readonly referrer: FoundReferrer
  /** Who signed it, checked. */
  readonly by: string
  /** Seconds since the epoch, if somebody else than the signer says so. */
  readonly time: number | undefined
}

/** The statements of a manifest. */
export interface CheckedStatements {
  readonly signed: readonly SignedStatement[]
  /** Why others do not count, one clause each. */
  readonly refused: readonly string[]
}

/** Which statements are wanted. */
export interface StatementsRequest {
  readonly subject: Digest
  readonly referrers: readonly FoundReferrer[]
  /** The predicate type; what is annotated with another one is passed over. */
  readonly type: string
}

/**
 * Reads bundles that are listed as being about a manifest, and sorts out those that are not, and
 * those that the expected party did not sign. Never throws for what they contain.
 */
export async function checkStatements(
  store: ContentStore,
  {subject, referrers, type}: StatementsRequest,
  {bundle: check}: SignatureChecks,
  signal: AbortSignal,
): Promise<CheckedStatements> {
  const signed: SignedStatement[] = []
  const refused: string[] = []
  for (const referrer of referrers) {
    const {artifactType, isElsewhere, blobs, tag} = referrer
    const [blob] = blobs
    const isStatement = artifactType === bundleType || artifactType === statementType
    const isWanted = (referrer.predicateType ?? type) === type
    if (!isStatement || !isWanted || tag !== undefined) continue
    const name = `${referrer.descriptor.digest.slice(0, 19)}…`
    if (isElsewhere) refused.push(`${name} is listed here, but its subject is another manifest`)
    else if (artifactType === statementType) refused.push(`${name} is not signed`)
    else if (blobs.length !== 1 || !blob) refused.push(`${name} does not carry one bundle`)
    else {
      const checked = await readSigned(store, blob, subject).catch(reasonOf)
      if (typeof checked === 'string') {
        refused.push(`${name}: ${checked}`)
        continue
      }
      const {statement, bundle} = checked
      if (statement.predicateType !== type) {
        if (referrer.predicateType !== undefined)
          refused.push(`${name} is annotated as another kind of statement than it is`)
        continue
      }
      const result = await check(bundle)
      if (!result.valid) refused.push(`${name}: ${result.why}`)
      else {
        const time = result.time === undefined ? undefined : Number(result.time) / 1000
        signed.push({statement, referrer, by: result.by, time})
      }
    }
  }
  return {signed, refused}

  async function readSigned(
    from: ContentStore,
    blob: FoundReferrer['blobs'][number],
    about: Digest,
  ) {
    const bundle = decodeBundle(await readDocument(from, blob, {signal}, largestDocument))
    if (bundle.payloadType !== statementType) return 'what is signed is not a statement'
    const statement = decodeStatement(bundle.payload)
    if (!isAbout(statement, about)) return 'the statement is about another manifest'
    return {bundle, statement}
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof InjectError) return error.message
  throw error
}

/** How old statements may be. */
export interface Freshness {
  /** Seconds since the epoch. */
  readonly now: number
  /** Seconds; `undefined`: any age. */
  readonly maxAge: number | undefined
}

/** Seconds by which clocks may differ. */
const clockSkew = 300

/** The record of a run that a signed statement has, or why it does not count. */
export function freshRecord(
  {statement, time}: SignedStatement,
  {now, maxAge}: Freshness,
): RunRecord | string | undefined {
  const record = runRecordIn(statement)
  if (!record) return undefined
  if (record.finished > now + clockSkew) return 'the statement is from the future'
  if (time !== undefined && record.finished > time + clockSkew)
    return 'the statement was signed before the time that it gives'
  if (maxAge !== undefined && Math.min(record.finished, time ?? Infinity) < now - maxAge)
    return 'the statement is too old'
  return record
}
