import type {Hook, Interfaces} from '@oclif/core'
import {quoted} from '../oci/quoted.js'
import {similarName} from './terminal/similar-name.js'

/**
 * oclif's own answer to an unknown command has another shape than every other error of ours, and
 * shows references mangled.
 */
const commandNotFound: Hook<'command_not_found'> = function ({config, id}) {
  process.stderr.write(`inject: ${unknownCommand(config, id)}\n`)
  process.exitCode = 2
  return Promise.resolve()
}

export default commandNotFound

/**
 * One line: the command that does not exist, and the nearest one or all that do. For oclif the
 * arguments of a command that takes none belong to its name, too.
 */
export function unknownCommand(config: Interfaces.Config, id: string): string {
  const hidden = config.commands.flatMap(({id: own, hidden: isHidden, hiddenAliases}) => [
    ...(isHidden ? [own] : []),
    ...hiddenAliases,
  ])
  const known = config.commandIDs
    .filter((each) => each !== 'help' && !hidden.includes(each))
    .map((each) => each.replaceAll(':', ' '))
    .sort()
  const typed = id.split(':')
  // what follows an unknown command are its arguments, which stand in the identifier, too
  const [topic = '', word] = typed
  const whole = known.find((each) => isWithin(each.split(' '), typed))
  if (whole !== undefined)
    return `${whole} takes flags only, and no argument: see inject ${whole} --help`
  const isTopic = word !== undefined && known.some((each) => each.startsWith(`${topic} `))
  const name = isTopic ? `${topic} ${word}` : topic
  const topics = known.map((each) => each.split(' ')[0] ?? '')
  const similar = similarName(name, [...known, ...topics, '--version'])
  const hint = similar ? `did you mean ${similar}?` : `commands: ${known.join(', ')}`
  return `unknown command ${quoted(name)}: ${hint}`
}

function isWithin(words: readonly string[], typed: readonly string[]): boolean {
  return words.every((word, index) => typed[index] === word)
}
