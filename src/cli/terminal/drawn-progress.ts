import {createFleetTable} from './fleet-table.js'
import {createStepLines} from './step-lines.js'
import type {Progress, Terminal} from './terminal.js'

/** One line for a run on one image, a table as soon as it is on many. */
export function drawnOnTerminal(terminal: Terminal): Progress {
  let current = createStepLines(terminal)
  let isTable = false
  return {
    report(event) {
      if (event.kind === 'images' && !isTable) {
        current.end()
        current = createFleetTable(terminal)
        isTable = true
      }
      current.report(event)
    },
    end() {
      current.end()
      if (isTable) current = createStepLines(terminal)
      isTable = false
    },
  }
}
