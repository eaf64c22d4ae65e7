import type {LockTiming} from './lock-timing.js'
import {ownerState} from './owned-name.js'

/** What a waiter thinks of a lock's holder. */
export type HolderState = 'alive' | 'dead' | 'unsure'

/** A lock, or something else that a process owns, at one instant. */
export interface OwnedThing {
  /** The name (`ownedName`) of its owner; `undefined` if it says none. */
  readonly owner: string | undefined
  /** Two owners never have the same. */
  readonly holding: string
  /** Changes with each sign of life. */
  readonly stamp: string
}

/** How each lock that is waited for was last seen: those who give up and come again go on there. */
const sightings = new Map<string, Sighting>()
const mostSightings = 1000

interface Sighting {
  readonly seen: OwnedThing
  /** When this was last looked at, on the waiter's own clock that only goes forward. */
  readonly at: number
  /** How long nothing has changed. */
  readonly silentMs: number
  /** The holder showed a sign of life since it was first seen. */
  readonly hasMoved: boolean
}

/**
 * What can be said of the holder at this moment. A process of this machine and boot is asked for;
 * of any other one a sign of life is waited for. Neither clock of another machine is believed, nor
 * this one's time of day.
 */
export function judge(path: string, seen: OwnedThing, timing: LockTiming): HolderState {
  const {silentMs, hasMoved} = look(path, seen, timing)
  const owner = seen.owner === undefined ? 'unknown' : ownerState(seen.owner, '')
  if (owner === 'dead' || silentMs > timing.leaseMs) return 'dead'
  if (owner === 'alive') return 'alive'
  return hasMoved && silentMs < 3 * timing.beatMs ? 'alive' : 'unsure'
}

/** The lock has another holder now, or none. */
export function forget(path: string): void {
  sightings.delete(path)
}

function look(path: string, seen: OwnedThing, {now, beatMs}: LockTiming): Sighting {
  const sighting = compare(sightings.get(path), seen, {at: now(), beatMs})
  sightings.delete(path)
  sightings.set(path, sighting)
  for (const oldest of sightings.keys()) {
    if (sightings.size <= mostSightings) break
    sightings.delete(oldest)
  }
  return sighting
}

function compare(
  before: Sighting | undefined,
  seen: OwnedThing,
  {at, beatMs}: {readonly at: number; readonly beatMs: number},
): Sighting {
  if (before?.seen.holding !== seen.holding) return {seen, at, silentMs: 0, hasMoved: false}
  if (before.seen.stamp !== seen.stamp) return {seen, at, silentMs: 0, hasMoved: true}
  // what stopped us (a suspended machine, a server that is away) may have stopped the holder, too:
  // a pause counts as one beat
  const silentMs = before.silentMs + Math.min(at - before.at, beatMs)
  return {seen, at, silentMs, hasMoved: before.hasMoved}
}
