import {setImmediate} from 'node:timers/promises'

const [largePiece, smallPiece] = [256 * 1024, 8 * 1024]

/** Milliseconds that work may go on for before signals, timers and the network get their turn. */
const longestTurn = 50

/** The turn of work that is synchronous. */
export interface Turn {
  /** Whether the others have waited for theirs long enough: to be asked between steps. */
  isOver(): boolean
  /**
   * Gives the others their turn, which an `await` of what is there already does not. Throws the
   * reason of the signal.
   */
  giveTurn(): Promise<void>
  /** How many bytes can be worked on before asking. */
  piece: number
}

/** Begins now. It is over at once when `signal` is aborted. */
export function createTurn(signal?: AbortSignal): Turn {
  let since = performance.now()
  return {
    isOver: () => signal?.aborted === true || performance.now() - since >= longestTurn,
    async giveTurn() {
      signal?.throwIfAborted()
      await setImmediate()
      signal?.throwIfAborted()
      since = performance.now()
    },
    piece: smallPiece,
  }
}

/** What steps come to, taken in one go. */
export function lastOf<T>(steps: Iterator<void, T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/**
 * Takes steps, and gives the others a turn between them. Throws the reason of the signal, and the
 * steps end there.
 */
export async function takeInTurns(
  steps: Iterator<void, unknown>,
  signal?: AbortSignal,
): Promise<void> {
  const turn = createTurn(signal)
  try {
    while (steps.next().done !== true) if (turn.isOver()) await turn.giveTurn()
  } finally {
    steps.return?.()
  }
}

/**
 * Gives `bytes` to `write` in pieces, and the others a turn between them: smaller pieces when one
 * has taken long.
 */
export async function writeInTurns(
  bytes: Uint8Array,
  write: (piece: Uint8Array) => void,
  turn: Turn,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const before = performance.now()
    const end = Math.min(at + turn.piece, bytes.length)
    write(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end))
    at = end
    turn.piece = performance.now() - before < longestTurn / 10 ? largePiece : smallPiece
    if (turn.isOver()) await turn.giveTurn()
  }
}
