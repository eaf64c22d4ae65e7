import {setTimeout as sleep} from 'node:timers/promises'
import {collectGarbage} from '../../store/garbage/collect.js'
import {planGarbage} from '../../store/garbage/plan.js'
import type {RepositoryRoot} from '../../store/repository.js'
import type {Ports} from '../../ports.js'

/** The longest delay of a timer; with a longer one it would fire at once. */
const longestWait = 2 ** 31 - 1

/**
 * Collects the garbage of these roots repeatedly, waiting `intervalMs` milliseconds after each
 * collection. A failed collection is reported, and the next one tries again. The returned function
 * stops this, and resolves when no collection is running.
 */
export function collectPeriodically(
  roots: readonly RepositoryRoot[],
  intervalMs: number,
  {report}: Pick<Ports, 'report'>,
): () => Promise<void> {
  const controller = new AbortController()
  const {signal} = controller
  const isStopped = (): boolean => signal.aborted
  const run = async (): Promise<void> => {
    while (!isStopped()) {
      await sleep(Math.min(intervalMs, longestWait), undefined, {signal}).catch(() => undefined)
      for (const root of roots) {
        if (isStopped()) return
        await collectOnce(root, signal, report).catch((error: unknown) => {
          if (isStopped()) return
          const message = `garbage of ${root.directory} was not collected: ${String(error)}`
          report({kind: 'warning', message})
        })
      }
    }
  }
  const running = run()
  return async () => {
    controller.abort()
    await running
  }
}

/** Reports a collection, unless there was nothing to do. */
async function collectOnce(
  root: RepositoryRoot,
  signal: AbortSignal,
  report: Ports['report'],
): Promise<void> {
  const plan = await planGarbage(root, {signal})
  for (const {name, problems} of plan.repositories)
    for (const problem of problems) report({kind: 'warning', message: `${name}: ${problem}`})
  const {manifests, blobs, bytes, spared} = await collectGarbage(plan, {signal})
  if (manifests + blobs === 0) return
  const message = `collected garbage of ${root.directory}: blobs ${blobs}, bytes ${bytes}, listed manifests ${manifests}, spared ${spared}`
  report({kind: 'notice', message})
}
