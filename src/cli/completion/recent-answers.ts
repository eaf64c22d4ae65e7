import {join} from 'node:path'
import {writeFileAtomic} from '../../disk/atomic-file.js'
import {isPrivateFolder, readOwnFile} from '../../disk/private-folder.js'
import {parseJsonValue} from '../../oci/json-value.js'
import {userCache} from '../ports/user-cache.js'

/** Milliseconds: Tab is pressed several times in a row, and a new tag should be seen soon. */
const lifetime = 30_000
/** Answers that are kept. */
const most = 20
/** Bytes: 20 answers of 1,000 tags of 128 characters stay below it. */
const largest = 4 * 1024 * 1024

interface Answer {
  readonly question: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly words: readonly string[]
}

/**
 * The answer to a question that was asked within the last 30 seconds, else that of `ask`, which is
 * kept in the user's cache folder. If it cannot be kept, it is asked again the next time.
 */
export async function recentAnswer(
  question: string,
  ask: () => Promise<readonly string[]>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly string[]> {
  const folder = userCache('completion', env)
  if (folder === undefined || !(await isPrivateFolder(folder))) return ask()
  const path = join(folder, 'recent.json')
  const now = Date.now()
  const kept = answersIn(await readOwnFile(path, largest)).filter(
    ({at}) => at <= now && now - at < lifetime,
  )
  const known = kept.find((answer) => answer.question === question)
  if (known) return known.words
  const words = await ask()
  const answers = [{question, at: now, words}, ...kept].slice(0, most)
  try {
    await writeFileAtomic(path, JSON.stringify(answers), {mode: 0o600})
  } catch {
    // no room: nothing depends on it
  }
  return words
}

function answersIn(text: string | undefined): Answer[] {
  const value = text === undefined ? undefined : parseJsonValue(text)
  return Array.isArray(value) ? value.filter(isAnswer) : []
}

function isAnswer(value: unknown): value is Answer {
  if (typeof value !== 'object' || value === null) return false
  const {question, at, words} = value as Partial<Record<keyof Answer, unknown>>
  const isList = Array.isArray(words) && words.every((word) => typeof word === 'string')
  return typeof question === 'string' && typeof at === 'number' && isList
}
