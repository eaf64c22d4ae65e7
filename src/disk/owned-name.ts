import {createHash, randomBytes} from 'node:crypto'
import {readFileSync, readlinkSync, type Stats} from 'node:fs'
import {lstat, readdir} from 'node:fs/promises'
import {hostname} from 'node:os'
import {join} from 'node:path'
import {removeTree} from './remove-tree.js'

/**
 * A name for a temporary file or folder that says which process it belongs to:
 * `<prefix><pid>-<start time>-<place>-<random>`, never the same twice. Anyone who finds it later
 * can tell with `isDead` whether anybody still works on it.
 */
export function ownedName(prefix: string): string {
  return `${prefix}${process.pid}-${ownStart()}-${place()}-${randomBytes(8).toString('hex')}`
}

/**
 * The same for what a process leaves on purpose: it belongs to none any more, so that the next run
 * takes it over, also one of the same process.
 */
export function ownerlessName(prefix: string): string {
  return `${prefix}0-0-${place()}-${randomBytes(8).toString('hex')}`
}

/**
 * What is known of the process that `name` belongs to. `unknown` for one that cannot be asked (of
 * another machine, boot or container, or where the system has no /proc), and for a name that
 * `ownedName(prefix)` did not make.
 */
export function ownerState(name: string, prefix: string): 'alive' | 'dead' | 'unknown' {
  const owner = ownerIn(name, prefix)
  if (owner === undefined || owner.place !== place() || !isPlaceKnown()) return 'unknown'
  const {pid, start} = owner
  if (hasEnded(pid, start)) return 'dead'
  return processState(pid)?.start === start ? 'alive' : 'unknown'
}

/**
 * Whether the process that `name` says it belongs to has ended. `false` for a name that
 * `ownedName(prefix)` did not make. A process that cannot be asked counts as ended when the thing
 * was not touched for a day (`idleMs`), or has a time that is more than a day ahead: then a clock
 * was wrong.
 */
export function isDead(name: string, prefix: string, idleMs = 0): boolean {
  const owner = ownerIn(name, prefix)
  if (owner === undefined) return false
  if (owner.place !== place()) return Math.abs(idleMs) > dayMs
  return hasEnded(owner.pid, owner.start)
}

/** Whether `ownedName(prefix)` makes such names. */
export function isOwnedName(name: string, prefix: string): boolean {
  return ownerIn(name, prefix) !== undefined
}

interface Owner {
  readonly pid: number
  readonly start: string
  readonly place: string
}

function ownerIn(name: string, prefix: string): Owner | undefined {
  const match = name.startsWith(prefix) ? grammar.exec(name.slice(prefix.length)) : null
  if (match === null) return undefined
  const [, pid = '', start = '', where = ''] = match
  return {pid: Number(pid), start, place: where}
}

/**
 * Removes from `folder` what processes that have ended left there under `prefix`, and returns the
 * names of what it removed. Things of living processes, of other users (who could make such a name
 * up, and put there what leads elsewhere), names of another shape, and what must not be removed
 * stay. A folder that is not there is an empty one.
 */
export async function clearDead(folder: string, prefix: string): Promise<string[]> {
  const removed: string[] = []
  for (const {name} of await listDead(folder, prefix))
    // somebody else's leftover that we lack the rights to remove is not a reason to fail the work
    // at hand
    await removeTree(join(folder, name)).then(
      () => removed.push(name),
      () => undefined,
    )
  return removed
}

/** What `clearDead` would remove, with the size of each (a folder's without what is in it). */
export async function listDead(
  folder: string,
  prefix: string,
): Promise<readonly {readonly name: string; readonly size: number}[]> {
  const dead: {name: string; size: number}[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    if (!grammar.test(name.slice(prefix.length)) || !name.startsWith(prefix)) continue
    const stats = await lstat(join(folder, name)).catch(() => undefined)
    if (!stats || !isOurs(stats) || !isDead(name, prefix, Date.now() - stats.mtimeMs)) continue
    dead.push({name, size: stats.size})
  }
  return dead
}

/** This user's, and no folder that anybody may put something into. */
function isOurs(stats: Stats): boolean {
  const {uid, mode} = stats
  const isOpen = stats.isDirectory() && (mode & 0o002) !== 0
  return uid === (process.geteuid?.() ?? uid) && !isOpen
}

const grammar = /^(\d{1,10})-(\d{1,20})-([0-9a-f]{8})-[0-9a-f]{16}$/
const dayMs = 86_400_000

function hasEnded(pid: number, start: string): boolean {
  if (pid === 0) return true
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it lives, and is another user's
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
  const now = processState(pid)
  return now !== undefined && (now.zombie || now.start !== start)
}

/**
 * https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html `undefined` if that cannot be read, as
 * on other systems.
 */
function processState(pid: number | 'self'): {zombie: boolean; start: string} | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // the second field is the program's name in brackets, which may hold blanks and brackets
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const [state = '', start = ''] = [fields[0], fields[19]]
    // a killed process whose parent does not ask for its end stays in the table, yet does nothing
    // any more
    return {zombie: state === 'Z' || state === 'X', start}
  } catch {
    return undefined
  }
}

let start: string | undefined
function ownStart(): string {
  start ??= processState('self')?.start ?? '0'
  return start
}

/**
 * Stands for the machine, its boot and the process table that pids are counted in: elsewhere the
 * same pid is another process.
 */
let here: string | undefined
function place(): string {
  here ??= createHash('sha256')
    .update([hostname(), ...(pidSpace() ?? unknownSpace())].join('\0'))
    .digest('hex')
    .slice(0, 8)
  return here
}

let isKnown: boolean | undefined
function isPlaceKnown(): boolean {
  isKnown ??= pidSpace() !== undefined
  return isKnown
}

function pidSpace(): string[] | undefined {
  try {
    return [
      readFileSync('/proc/sys/kernel/random/boot_id', 'latin1'),
      readlinkSync('/proc/self/ns/pid'),
    ]
  } catch {
    return undefined
  }
}

/**
 * On Linux without /proc, another container may have the same name: then no other process is ever
 * one of this place.
 */
function unknownSpace(): string[] {
  return process.platform === 'linux' ? [randomBytes(16).toString('hex')] : []
}
