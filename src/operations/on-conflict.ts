import {randomInt} from 'node:crypto'
import {setTimeout as sleep} from 'node:timers/promises'
import {ConflictError} from '../errors.js'
import type {TagMove} from '../store/content-store.js'
import type {Ports} from './ports.js'

/** What to do when somebody else moves a tag while we work: give up, or start again from the image that he put there. */
export const conflictPolicies = ['fail', 'retry'] as const
export type ConflictPolicy = (typeof conflictPolicies)[number]

/** Of many that want to move one tag at the same moment, one wins each time. */
const maxRounds = 30
/** Milliseconds; times the number of rounds, so that many do not meet again and again. */
const longestPause = 200

/** What a round that failed was about. */
export interface Round {
  /** Counted from 1. */
  readonly number: number
  /** The tag that the image was read from. */
  readonly source: string | undefined
  readonly moves: readonly TagMove[]
}

/**
 * Returns when the work may begin again, after a pause; throws `error` when it may not. Only a conflict at the tag that the image was read from can be
 * solved by reading it again: what stands at any other tag would be lost.
 */
export async function beginAgain(
  error: unknown,
  policy: ConflictPolicy,
  {number, source, moves}: Round,
  {report, signal}: Ports,
): Promise<void> {
  const isOurs = moves.every(({tag}) => tag === source)
  if (policy === 'fail' || !(error instanceof ConflictError) || !isOurs) throw error
  if (error.code !== 'ERR_INJECT_TAG_MOVED' || number >= maxRounds) throw error
  report({kind: 'notice', message: `${error.message}; starting again from there`})
  await sleep(randomInt(longestPause * Math.min(number, 10)), undefined, {signal})
}
