import type {DoctorReport} from '../../operations/doctor/doctor.js'
import type {ProgressEvent} from '../../ports.js'
import {plainText} from './text/escape.js'

export const shownDoctor = {
  /**
   * One line for each check: how it went, its name, what was found, and what `inject` does about
   * it.
   */
  line: ({checks}: DoctorReport): string => {
    const width = Math.max(...checks.map(({name}) => name.length))
    return checks
      .map(({outcome, name, finding, consequence}) => {
        const means = consequence === null ? '' : ` -> ${consequence}`
        return printable(`${outcome.padEnd(7)}  ${name.padEnd(width)}  ${finding}${means}`)
      })
      .join('\n')
  },
  summary: ({works, writes, repository, registry}: DoctorReport): ProgressEvent => {
    const what = repository === null ? registry : `${registry}/${repository}`
    if (!works) return {kind: 'warning', message: `updates of ${what} will not work`}
    if (writes) return {kind: 'notice', message: `updates of ${what} will work`}
    const more =
      repository === null ? 'add a repository for more checks' : 'use --write to try uploads'
    return {kind: 'notice', message: `${what} is fine so far; ${more}`}
  },
}

/** What registries answer is untrusted: nothing of it may steer the terminal. */
function printable(line: string): string {
  return plainText(line)
}
