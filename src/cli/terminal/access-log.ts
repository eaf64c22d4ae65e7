import {quoted} from '../../oci/quoted.js'
import type {AccessRecord} from '../../server/http/access-record.js'

export const logFormats = ['json', 'text', 'none'] as const
export type LogFormat = (typeof logFormats)[number]

/**
 * A line for every request that is over. What clients choose is escaped: no line is two, and none
 * moves a terminal's cursor.
 */
export function createAccessLog(
  format: LogFormat,
  write: (text: string) => void,
): (record: AccessRecord) => void {
  if (format === 'none') return () => undefined
  const render = format === 'json' ? jsonLine : textLine
  let lines: string[] = []
  const flush = (): void => {
    const text = lines.join('')
    lines = []
    write(text)
  }
  return (record) => {
    // many small answers in one turn of the event loop are one write
    if (lines.push(render(record)) === 1) setImmediate(flush)
  }
}

function jsonLine({time, milliseconds, target, agent, error, ...rest}: AccessRecord): string {
  const record = {
    time: new Date(time).toISOString(),
    ...rest,
    target,
    milliseconds: Math.round(milliseconds * 1000) / 1000,
    agent: agent?.slice(0, 200),
    error,
  }
  return `${asciiOnly(JSON.stringify(record))}\n`
}

function textLine({time, remote, user, method, target, ...rest}: AccessRecord): string {
  const {status, received, sent, milliseconds, id, error} = rest
  const who = `${remote} ${user === undefined ? '-' : quoted(user)}`
  const what = `${method} ${quoted(target, 512)} ${status}`
  const cost = `${received}/${sent} ${milliseconds.toFixed(1)}ms`
  const why = error === undefined ? '' : ` ${quoted(error, 512)}`
  return `${new Date(time).toISOString()} ${who} ${what} ${cost} ${id}${why}\n`
}

/** JSON escapes control characters up to a blank only. */
function asciiOnly(json: string): string {
  return json.replaceAll(
    /[^\x20-\x7E]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
