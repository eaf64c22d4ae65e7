import {type FleetReport, type ImageOutcome} from '../../../fleet/report/outcome.js'
import {imageName, reasonText, statusWords} from './outcome.js'
import {costParts} from './summary.js'

/**
 * A report in the XML that CI systems read as test results: a test case for each image. `failed` is
 * a failure, `unknown` and a shard without a report are errors, `not-started` is skipped.
 * https://github.com/testmoapp/junitxml
 */
export function renderFleetJunit(report: FleetReport): string {
  const {fleet, started, finished, outcomes, missingShards, totals} = report
  const sums = attributes({
    name: fleet,
    tests: outcomes.length + missingShards.length,
    failures: totals.failed ?? 0,
    errors: (totals.unknown ?? 0) + missingShards.length,
    skipped: totals['not-started'] ?? 0,
    time: seconds((Date.parse(finished) - Date.parse(started)) / 1000),
  })
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${sums}>`,
    `  <testsuite${sums}${attributes({timestamp: started.replace(/(?:\.\d+)?Z$/, '')})}>`,
    ...missingShards.map(missingCase),
    ...outcomes.map(testCase),
    `    <system-out>${escaped(costParts(report).join(', '))}</system-out>`,
    '  </testsuite>',
    '</testsuites>',
  ].join('\n')
}

function testCase(outcome: ImageOutcome): string {
  const {reference, status} = outcome
  const head = attributes({
    name: imageName(outcome),
    classname: reference.replace(/[:@][^/]*$/, ''),
    time: seconds(outcome.seconds),
  })
  const result = resultOf(outcome)
  return [
    `    <testcase${head}>`,
    ...(result === undefined ? [] : [`      ${result}`]),
    `      <system-out>${escaped(statusWords[status])}</system-out>`,
    '    </testcase>',
  ].join('\n')
}

function resultOf(outcome: ImageOutcome): string | undefined {
  const {status, reason, code} = outcome
  const message = attributes({message: reason ?? statusWords[status]})
  const type = attributes({type: code ?? status})
  const text = escaped(reasonText(outcome))
  if (status === 'failed') return `<failure${message}${type}>${text}</failure>`
  if (status === 'unknown') return `<error${message}${type}>${text}</error>`
  return status === 'not-started' ? `<skipped${message}/>` : undefined
}

function missingCase(shard: number): string {
  const head = attributes({name: `shard ${shard}`, classname: 'shards', time: seconds(0)})
  const error = attributes({message: 'there is no report of this shard', type: 'missing'})
  return `    <testcase${head}>\n      <error${error}/>\n    </testcase>`
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
    .join('')
}

function seconds(number: number): string {
  return Math.max(0, number).toFixed(3)
}

/**
 * Text for an element or an attribute, on one line. Characters that XML 1.0 cannot have, and those
 * that could mislead a reader, become U+FFFD. https://www.w3.org/TR/xml/#charsets
 */
function escaped(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\uFFFE\uFFFF]/gu, '\uFFFD')
    .replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
