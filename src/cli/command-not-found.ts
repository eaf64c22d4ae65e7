import type {Hook} from '@oclif/core'
import {quoted} from '../oci/quoted.js'

/**
 * oclif's own answer to an unknown command has another shape than every other error of ours, and
 * shows references mangled.
 */
const commandNotFound: Hook<'command_not_found'> = function ({config, id}) {
  const known = config.commandIDs.filter((each) => each !== 'help').sort()
  const ids = known.map((each) => each.replaceAll(':', ' '))
  const [word = ''] = id.split(':')
  process.stderr.write(`inject: there is no command ${quoted(word)}: there are ${ids.join(', ')}\n`)
  process.exitCode = 2
  return Promise.resolve()
}

export default commandNotFound
