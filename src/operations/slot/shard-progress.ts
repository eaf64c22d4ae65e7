import type {Ports, ProgressEvent} from '../../ports.js'

/** Reports an event when it is called for the first time. */
export function reportOnce({report}: Pick<Ports, 'report'>, event: ProgressEvent): () => void {
  let isReported = false
  return () => {
    if (!isReported) report(event)
    isReported = true
  }
}

/**
 * Gives ports for parts of one step: their progress is added up, also of several at once, and steps
 * of their own are not reported.
 */
export function summed(ports: Ports): () => Ports {
  let total = 0
  return () => {
    let before = 0
    return {
      ...ports,
      report(event) {
        if (event.kind === 'step') before = 0
        else if (event.kind !== 'bytes') ports.report(event)
        else {
          total += Math.max(0, event.done - before)
          before = event.done
          ports.report({kind: 'bytes', done: total})
        }
      },
    }
  }
}
