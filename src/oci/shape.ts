import * as v from 'valibot'
import {isDigest, type Digest} from './digest.js'
import {quoted} from './quoted.js'

/** A digest of a registered algorithm. */
export const digestShape = v.custom<Digest>(isDigest, 'must be a digest')

/** Any text. */
export const textShape = v.string('must be a string')

// a list is an object to valibot
function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const anyObject = v.custom<Record<string, unknown>>(isObject, 'must be an object')

/** Labels or annotations. */
export const textRecordShape = v.pipe(
  v.custom<Record<string, string>>(isObject, 'must be an object'),
  // not v.record, which makes a second object of as many members
  v.rawCheck(({dataset, addIssue}) => {
    const texts = dataset.value as Record<string, unknown>
    const key = Object.keys(texts).find((name) => typeof texts[name] !== 'string')
    if (key === undefined) return
    const value = texts[key]
    const path = [{type: 'object', origin: 'value', input: texts, key, value}] as const
    addIssue({message: 'must be a string', input: value, path: [...path]})
  }),
)

const descriptorMembers = {
  digest: digestShape,
  size: v.custom<number>(
    (size) => Number.isSafeInteger(size) && (size as number) >= 0,
    'must be a whole number of bytes',
  ),
  annotations: v.optional(textRecordShape),
  data: v.optional(textShape),
  urls: v.optional(listShape(textShape)),
}

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#properties */
export const descriptorShape = looseShape({
  mediaType: v.pipe(textShape, v.nonEmpty('must not be empty')),
  ...descriptorMembers,
})

/** The same of an image's config, which old tools gave no media type. */
export const configDescriptorShape = looseShape({
  mediaType: v.optional(textShape),
  ...descriptorMembers,
})

/** An object with at least these members. */
export function looseShape<const T extends v.ObjectEntries>(
  members: T,
): v.SchemaWithPipe<readonly [typeof anyObject, v.LooseObjectSchema<T, undefined>]> {
  return v.pipe(anyObject, v.looseObject(members))
}

/** An object with these members; the schema's output has no others. */
export function plainShape<const T extends v.ObjectEntries>(
  members: T,
): v.SchemaWithPipe<readonly [typeof anyObject, v.ObjectSchema<T, undefined>]> {
  return v.pipe(anyObject, v.object(members))
}

/** A list, each element of one shape. */
export function listShape<const T extends v.GenericSchema>(element: T): v.ArraySchema<T, string> {
  return v.array(element, 'must be an array')
}

/** The same, where `null` is an empty one, as Go writes it. */
export function nullableListShape<const T extends v.GenericSchema>(
  element: T,
): v.NullableSchema<v.ArraySchema<T, string>, undefined> {
  return v.nullable(listShape(element))
}

/**
 * What is wrong with `value`, first thing first: `layers.3.size must be a whole number of bytes,
 * found "12"`. `undefined` when it has the shape. Only checks: the schema's output is not used,
 * since it would lack members such as `__proto__`.
 */
export function faultIn(schema: v.GenericSchema, value: unknown): string | undefined {
  const {issues} = v.safeParse(schema, value, {abortEarly: true})
  const issue = issues?.[0]
  if (!issue) return undefined
  const path = issue.path?.map(({key}) => pathSegment(String(key))).join('.') ?? 'it'
  if (issue.input === undefined) return `${path} is missing`
  return `${path} ${issue.message}, found ${describe(issue.input)}`
}

function pathSegment(key: string): string {
  return /^[\w.-]{1,80}$/.test(key) ? key : quoted(key, 80)
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' && value !== null) return 'an object'
  return typeof value === 'string' ? quoted(value) : String(value)
}
