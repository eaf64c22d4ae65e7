import {readFileOrPipe} from '../../disk/read-file-or-pipe.js'
import {errnoOf, localIoError} from '../../disk/local-io-error.js'
import {LocalIoError} from '../../errors.js'
import {decodeReport, reportLimit} from '../../fleet/report/decode.js'
import {joinReports, type NamedReport} from '../../fleet/report/join.js'
import type {FleetReport} from '../../fleet/report/outcome.js'
import {quoted} from '../../oci/quoted.js'

/**
 * The reports of a fleet's shards as one. Throws `LocalIoError` for a file that cannot be read, and
 * what `decodeReport` and `joinReports` throw.
 */
export async function readReports(
  files: readonly [string, ...string[]],
  signal: AbortSignal,
): Promise<FleetReport> {
  const [first, ...others] = files
  const reports: [NamedReport, ...NamedReport[]] = [await readReport(first)]
  for (const file of others) {
    signal.throwIfAborted()
    reports.push(await readReport(file))
  }
  return joinReports(reports)
}

async function readReport(file: string): Promise<NamedReport> {
  const name = quoted(file)
  const bytes = await readFileOrPipe(file, reportLimit).catch((error: unknown) => {
    throw unreadable(error, file)
  })
  return {name, report: decodeReport(bytes, name)}
}

/** What does not come from the system is a reason alone. */
function unreadable(error: unknown, file: string): Error {
  if (errnoOf(error) !== undefined || !(error instanceof Error))
    return localIoError(error, 'read', file)
  const message = `cannot read ${quoted(file)}: ${error.message}`
  return new LocalIoError('ERR_INJECT_LOCAL_IO', message, {cause: error})
}
