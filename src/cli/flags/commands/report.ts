import {Flags} from '@oclif/core'
import type {FleetReport} from '../../../fleet/report/outcome.js'
import {escapedJson} from '../../render/text/escape.js'
import {renderFleetJunit} from '../../render/fleet/junit.js'
import {renderFleetMarkdown} from '../../render/fleet/markdown.js'
import {fleetFailures, fleetSummary} from '../../render/fleet/summary.js'

/** The flag of all commands that work on many images. */
export const reportFlag = Flags.custom({
  multiple: true,
  multipleNonGreedy: true,
  helpValue: 'FILE',
  summary:
    'Write what became of each image to FILE: .md is Markdown, .xml JUnit, all else JSON; repeatable.',
})

/** How `perform` shows a run over many images, and writes the files of `--report`. */
export function reportOutputs(paths: readonly string[] = []) {
  const files = paths.map((path) => ({path, text: rendererOf(path)}))
  return {summary: fleetSummary, failures: fleetFailures, files}
}

function rendererOf(path: string): (report: FleetReport) => string {
  if (/\.(?:md|markdown)$/i.test(path)) return renderFleetMarkdown
  if (/\.xml$/i.test(path)) return renderFleetJunit
  return renderFleetJson
}

/** The report as it can be read again. */
function renderFleetJson(report: FleetReport): string {
  return escapedJson(JSON.stringify(report, null, 2))
}
