import {UsageError} from '../../../errors.js'
import {quoted} from '../../../oci/quoted.js'

type Pairs = readonly (readonly [string, string])[]

/** Annotations of the manifest and of the index. */
export interface Annotations {
  readonly image: Readonly<Record<string, string>> | undefined
  readonly index: Readonly<Record<string, string>> | undefined
}

const prefix = /^([a-z-]+(?:\[[^\]]*\])?(?:,[a-z-]+(?:\[[^\]]*\])?)*):(.+)$/s
const words: ReadonlySet<string> = new Set(['index', 'manifest'])

/**
 * Parses the prefix that names the document to annotate, as in docker buildx: `index:KEY`,
 * `manifest:KEY`, `index,manifest:KEY`. Without one it is the image's manifest. A colon after any
 * other word belongs to the key. Throws `UsageError` for words of buildx that name what we do not
 * annotate. https://docs.docker.com/build/metadata/annotations/
 */
export function splitAnnotations(pairs: Pairs): Annotations {
  const image: (readonly [string, string])[] = []
  const index: (readonly [string, string])[] = []
  for (const [name, value] of pairs) {
    const [, before = '', key = ''] = prefix.exec(name) ?? []
    const named = before.split(',').map((word) => word.replace(/\[.*$/, ''))
    if (!named.some((word) => /^(?:index|manifest)(?:-descriptor)?$/.test(word))) {
      image.push([name, value])
      continue
    }
    const other = before.split(',').find((word) => !words.has(word))
    if (other !== undefined) throw notAnnotated(other)
    if (named.includes('index')) index.push([key, value])
    if (named.includes('manifest')) image.push([key, value])
  }
  return {image: recordOf(image), index: recordOf(index)}
}

function recordOf(pairs: Pairs): Readonly<Record<string, string>> | undefined {
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs)
}

function notAnnotated(word: string): UsageError {
  return new UsageError('ERR_INJECT_PAIR_INVALID', `cannot annotate ${quoted(word)}`, {
    hint: 'write index:KEY=VALUE, manifest:KEY=VALUE or KEY=VALUE',
  })
}
