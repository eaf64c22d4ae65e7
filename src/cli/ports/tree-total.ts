import {lstat, opendir} from 'node:fs/promises'
import {join} from 'node:path'
import {monotonicTime} from '../../disk/clock.js'
import type {Ports, ProgressEvent} from '../../ports.js'

/** Milliseconds that a step has to last before the directory is measured for it. */
const patience = 1000
/** Entries that are looked at together: the work itself comes first. */
const together = 16
/** Bytes of a tar header, and what contents are padded to. */
const block = 512

/** `withTreeTotal` on a terminal: elsewhere nobody watches, and nothing is measured. */
export function reportWithTotal(
  ports: Pick<Ports, 'report' | 'signal'>,
  sources: readonly string[] = [],
): Ports['report'] {
  const [directory, ...others] = sources
  const isMeasured = process.stderr.isTTY && others.length === 0 && directory !== undefined
  return isMeasured ? withTreeTotal(ports, directory, monotonicTime) : ports.report
}

/**
 * `report` that says how much there is to pack once a step takes long: the directory is then
 * measured on the side, by names and sizes alone. Excluded files count, so the total is an upper
 * bound; a directory that cannot be measured has no total.
 */
export function withTreeTotal(
  {report, signal}: Pick<Ports, 'report' | 'signal'>,
  directory: string,
  now: () => number,
): Ports['report'] {
  let since: number | undefined
  let total: number | undefined
  let isMeasured = false
  const measure = (): void => {
    isMeasured = true
    treeSize(directory, signal).then(
      (size) => (total = size),
      // the work finds out by itself what is wrong with the directory
      () => (total = undefined),
    )
  }
  return (event: ProgressEvent) => {
    const {kind} = event
    if (kind === 'step') {
      since = event.step === 'compare' || event.step === 'pack and push' ? now() : undefined
    } else if (kind === 'bytes' && since !== undefined) {
      if (!isMeasured && now() - since > patience) measure()
      const isKnown = total !== undefined && event.done <= total
      report(isKnown ? {...event, total} : event)
      return
    }
    report(event)
  }
}

/** Bytes of a tar of all that is below `directory`, more or less. */
export async function treeSize(directory: string, signal: AbortSignal): Promise<number> {
  const links = new Set<string>()
  const sizeOf = async (path: string): Promise<number> => {
    const {ino, dev, nlink, size} = await lstat(path)
    const name = `${dev}:${ino}`
    const isLink = nlink > 1 && links.has(name)
    if (nlink > 1) links.add(name)
    return block + (isLink ? 0 : Math.ceil(size / block) * block)
  }
  let total = 0
  const waiting = [directory]
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    let files: string[] = []
    const flush = async (): Promise<void> => {
      for (const size of await Promise.all(files.map(sizeOf))) total += size
      files = []
    }
    for await (const entry of await opendir(folder)) {
      signal.throwIfAborted()
      const path = join(folder, entry.name)
      if (entry.isDirectory()) waiting.push(path)
      if (entry.isFile()) files.push(path)
      else total += block
      if (files.length === together) await flush()
    }
    await flush()
  }
  return total
}
