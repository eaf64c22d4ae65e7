import * as v from 'valibot'
import {IntegrityError} from '../errors.js'
import {algorithmOf, type Digest, hexOf, isDigest} from '../oci/digest.js'
import {parseDocument} from '../oci/json.js'
import {freeForm} from '../oci/known-members.js'
import {faultIn, looseShape, textRecordShape, textShape} from '../oci/shape.js'
import {statementSchema} from './types.js'

/** What a statement is about, or was made from. */
export interface ResourceDescriptor {
  readonly name?: string
  readonly uri?: string
  /** Hex digests by their algorithms. */
  readonly digest?: Readonly<Record<string, string>>
}

/**
 * A statement about images.
 * https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
 */
export interface Statement {
  readonly _type: string
  readonly subject: readonly ResourceDescriptor[]
  readonly predicateType: string
  /** Not checked. */
  readonly predicate: Readonly<Record<string, unknown>>
}

/** The bytes that are signed. */
export function encodeStatement(statement: Statement): Uint8Array {
  return Buffer.from(JSON.stringify(statement))
}

const statementShape = looseShape({
  _type: textShape,
  subject: v.array(looseShape({digest: v.optional(textRecordShape)}), 'must be a list'),
  predicateType: textShape,
  predicate: looseShape({}),
})

/**
 * The statement that these bytes are. Throws `IntegrityError` (`ERR_INJECT_STATEMENT_INVALID`), and
 * what `parseDocument` throws.
 */
export function decodeStatement(bytes: Uint8Array): Statement {
  const {value} = parseDocument(bytes, 'the statement', freeForm, 'ERR_INJECT_STATEMENT_INVALID')
  const fault = faultIn(statementShape, value)
  if (fault !== undefined) throw invalid(fault)
  const statement = value as unknown as Statement
  if (!/^https:\/\/in-toto\.io\/Statement\/v(?:0\.1|1)$/.test(statement._type))
    throw invalid('it is of another version')
  return statement
}

/** A statement about these manifests, in this order. */
export function statementAbout(
  subjects: readonly {readonly name: string; readonly digest: Digest}[],
  predicateType: string,
  predicate: Statement['predicate'],
): Statement {
  return {
    _type: statementSchema,
    subject: subjects.map(({name, digest}) => ({name, digest: digestSet(digest)})),
    predicateType,
    predicate,
  }
}

/** A digest as in-toto writes it. */
export function digestSet(digest: Digest): Readonly<Record<string, string>> {
  return {[algorithmOf(digest)]: hexOf(digest)}
}

/** The digest that a resource has; `undefined` for one of another kind, such as a git commit. */
export function digestIn({digest = {}}: ResourceDescriptor): Digest | undefined {
  for (const algorithm of ['sha256', 'sha512']) {
    const text = Object.hasOwn(digest, algorithm) ? `${algorithm}:${digest[algorithm]}` : undefined
    if (isDigest(text)) return text
  }
  return undefined
}

/** Whether a statement is about this manifest. */
export function isAbout({subject}: Statement, digest: Digest): boolean {
  return subject.some((each) => digestIn(each) === digest)
}

function invalid(why: string): IntegrityError {
  return new IntegrityError('ERR_INJECT_STATEMENT_INVALID', `the statement is not valid: ${why}`)
}
