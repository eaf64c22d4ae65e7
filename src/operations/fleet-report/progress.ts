import type {FleetProgress} from '../../fleet/report/progress.js'
import type {Ports} from '../../ports.js'

/** Tells the run's watcher what becomes of each image. */
export function fleetProgress(report: Ports['report']): FleetProgress {
  return {
    expected: (total) => report({kind: 'images', total}),
    started: (image) => report({kind: 'started', image}),
    bytes: (bytes) => report({kind: 'sent', bytes}),
    finished: (outcome) => report({kind: 'finished', outcome}),
  }
}

/**
 * Ports for the work on one of many images: its steps are not told, since those of several would
 * mix; its messages name it.
 */
export function portsOfImage<P extends Pick<Ports, 'report'>>(ports: P, image: string): P {
  return {
    ...ports,
    report(event) {
      if (event.kind === 'notice' || event.kind === 'warning')
        ports.report({...event, message: `${image}: ${event.message}`})
    },
  }
}
