import type {Answer} from './answer.js'
import type {MemoryShare} from './body-memory.js'

/** Answers of this size are never refused: as many as there may be connections take little. */
const smallAnswer = 16 * 1024
const mostKnown = 1000
const longestTarget = 1024

/** What was found to be large lately, by its target, so that it is not built before there is room for it. */
export interface LargeAnswers {
  /** Bytes; 0 for what is small or not known. */
  sizeOf(target: string): number
  note(target: string, size: number): void
}

/** Forgets the oldest of many. */
export function createLargeAnswers(): LargeAnswers {
  const sizes = new Map<string, number>()
  return {
    sizeOf: (target) => sizes.get(target) ?? 0,
    note(target, size) {
      sizes.delete(target)
      if (size <= smallAnswer || target.length > longestTarget) return
      if (sizes.size >= mostKnown) sizes.delete(sizes.keys().next().value ?? '')
      sizes.set(target, size)
    },
  }
}

export interface Room {
  readonly memory: MemoryShare
  /** Of a GET; what else is asked for has small answers. */
  readonly target: string | undefined
  readonly largeAnswers: LargeAnswers
  readonly signal: AbortSignal
}

/**
 * What `build` gives, when there is room to keep it in memory until the client has taken it. Without room the answer is dropped, and built again when
 * there is some. Throws `Refusal` (503) when that takes too long.
 */
export async function answerInRoom(
  build: () => Promise<Answer>,
  {memory, target, largeAnswers, signal}: Room,
): Promise<Answer> {
  if (target === undefined) return build()
  for (let needed = largeAnswers.sizeOf(target); ;) {
    if (!memory.hold(needed)) await memory.holdLater(needed, signal)
    const built = holding(await build(), memory)
    if (typeof built !== 'number') {
      if (built.body instanceof Uint8Array) largeAnswers.note(target, built.body.length)
      return built
    }
    needed = built
    largeAnswers.note(target, needed)
  }
}

/** The answer, or how much memory it lacks: nothing else refers to it then. */
function holding(answer: Answer, memory: MemoryShare): Answer | number {
  const {body} = answer
  if (!(body instanceof Uint8Array)) return answer
  if (body.length > smallAnswer) return memory.hold(body.length) ? answer : body.length
  // less than expected
  memory.hold(0)
  return answer
}
