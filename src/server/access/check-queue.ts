import {Refusal} from '../http/refusal.js'

/** Whose password is to be checked. */
export interface Claim {
  /** Where the request comes from. */
  readonly client: string
  readonly name: string
  /**
   * `proven`: this password was right lately. `familiar`: some password of this name from this
   * client was.
   */
  readonly standing: 'proven' | 'familiar' | 'stranger'
}

/** Checks of passwords, one at a time, so that guesses do not keep others out. */
export interface CheckQueue {
  /** Throws `Refusal` (429) when too many of its kind wait. */
  run(claim: Claim, check: () => Promise<boolean>): Promise<boolean>
}

export interface CheckQueueOptions {
  /** Checks that wait, or run: of strangers together, and again of the familiar. */
  readonly mostWaiting: number
}

/** Of one name from one client. */
const mostOfPair = 4
/** Of all names from one client that have never been right. */
const mostOfClient = 16

interface Waiting {
  readonly claim: Claim
  readonly start: () => Promise<unknown>
}

/**
 * The proven go first; the familiar and strangers take turns, so that neither can starve the other.
 */
export function createCheckQueue({mostWaiting}: CheckQueueOptions): CheckQueue {
  const queues = {
    proven: [] as Waiting[],
    familiar: [] as Waiting[],
    stranger: [] as Waiting[],
  }
  const inside = new Set<Claim>()
  let turn: 'familiar' | 'stranger' = 'stranger'
  let isRunning = false

  const countOf = (matches: (claim: Claim) => boolean): number => [...inside].filter(matches).length

  const refuseFlood = ({client, name, standing}: Claim): void => {
    if (standing === 'proven') return
    const peers = countOf((claim) => claim.standing === standing)
    const ofClient = countOf((claim) => claim.standing === standing && claim.client === client)
    const ofPair = countOf((claim) => claim.client === client && claim.name === name)
    const isFlood =
      peers >= mostWaiting ||
      ofPair >= mostOfPair ||
      (standing === 'stranger' && ofClient >= mostOfClient)
    if (!isFlood) return
    throw new Refusal(429, 'TOOMANYREQUESTS', 'too many passwords are being checked', {
      headers: {'retry-after': 1},
      reason: 'guesses',
    })
  }

  const take = (): Waiting | undefined => {
    const proven = queues.proven.shift()
    if (proven !== undefined) return proven
    const other = turn === 'familiar' ? 'stranger' : 'familiar'
    const next = queues[turn].shift() ?? queues[other].shift()
    turn = other
    return next
  }

  const runNext = (): void => {
    if (isRunning) return
    const next = take()
    if (next === undefined) return
    isRunning = true
    void next.start().finally(() => {
      isRunning = false
      inside.delete(next.claim)
      runNext()
    })
  }

  return {
    run(claim, check) {
      refuseFlood(claim)
      inside.add(claim)
      return new Promise((resolve, reject) => {
        const start = (): Promise<void> => check().then(resolve, reject)
        queues[claim.standing].push({claim, start})
        runNext()
      })
    },
  }
}
