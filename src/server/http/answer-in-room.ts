import type {Answer} from './answer.js'
import type {MemoryShare} from './body-memory.js'

/** Answers of this size are never refused: as many as there may be connections take little. */
const smallAnswer = 16 * 1024
const mostKnown = 1000
const longestTarget = 512

/**
 * How large the answers to targets were lately: a large one is not built before there is room for
 * it, and a small one is built without waiting for a turn.
 */
export interface AnswerSizes {
  /** Bytes; `undefined` for what is not known. */
  sizeOf(target: string): number | undefined
  note(target: string, size: number): void
}

/** Forgets the oldest of many. */
export function createAnswerSizes(): AnswerSizes {
  const sizes = new Map<string, number>()
  return {
    sizeOf: (target) => sizes.get(target),
    note(target, size) {
      if (target.length > longestTarget || sizes.get(target) === size) return
      sizes.delete(target)
      if (sizes.size >= mostKnown) sizes.delete(sizes.keys().next().value ?? '')
      sizes.set(target, size)
    },
  }
}

export interface Room {
  readonly memory: MemoryShare
  /** Of a GET; what else is asked for has small answers. */
  readonly target: string | undefined
  readonly sizes: AnswerSizes
  readonly signal: AbortSignal
}

/** How an answer is built. */
export interface Building {
  /** It takes next to no memory, as far as is known. */
  readonly isSmall: boolean
  /**
   * To be called when all that a request must wait for is over, before anything large is read.
   * Throws when there is no room.
   */
  readonly begin: () => void
}

/** Says how much room is needed; never leaves this file. */
class Postponed extends Error {
  readonly size: number

  constructor(size: number) {
    super('no room for an answer')
    this.size = size
  }
}

/**
 * What `build` gives, when there is room to keep it in memory until the client has taken it.
 * Without room the answer is dropped, or not built, and tried again when there is some. Throws
 * `Refusal` (503) when that takes too long.
 */
export async function answerInRoom(
  build: (building: Building) => Promise<Answer>,
  {memory, target, sizes, signal}: Room,
): Promise<Answer> {
  if (target === undefined) return build({isSmall: false, begin: () => undefined})
  const begin = (): void => {
    const size = sizes.sizeOf(target) ?? 0
    if (size > smallAnswer && !memory.hold(size)) throw new Postponed(size)
  }
  for (;;) {
    const isSmall = (sizes.sizeOf(target) ?? Infinity) <= smallAnswer
    try {
      const answer = await build({isSmall, begin})
      const {body} = answer
      if (!(body instanceof Uint8Array)) return answer
      sizes.note(target, body.length)
      if (body.length <= smallAnswer || memory.hold(body.length)) return answer
      throw new Postponed(body.length)
    } catch (error) {
      if (!(error instanceof Postponed)) throw error
      await memory.holdLater(error.size, signal)
    }
  }
}
