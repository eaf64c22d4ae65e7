import {quoted} from '../../oci/quoted.js'
import {type Item, textOf} from '../../yaml/item.js'
import {mistakeAt} from '../../yaml/position.js'

export type Environment = Readonly<Record<string, string | undefined>>

/** Variables that most likely hold a secret; what is in a fleet ends in references and logs. */
const secret = /PASS(?:W|PHRASE)|SECRET|TOKEN|CREDENTIAL|API_?KEY|PRIVATE_?KEY/i

/**
 * A text in which `${NAME}` stands for a variable of the environment, and `$$` for `$`. Throws
 * `UsageError` for one that is not set, and for one whose name says that it is a secret.
 */
export function expandedText(item: Item, what: string, env: Environment): string {
  const text = textOf(item, what)
  return text.replaceAll(/\$(?:\$|\{([^}]*)\}|)/g, (found, name: string | undefined) => {
    if (found === '$$') return '$'
    if (name === undefined || !/^[A-Za-z_]\w*$/.test(name))
      throw mistakeAt(item.at, `${what} has a $ that starts no variable`, 'write ${NAME}, or $$')
    if (secret.test(name))
      throw mistakeAt(item.at, `${quoted(name)} looks like a secret`, 'log in with inject login')
    const value = env[name]
    if (value !== undefined) return value
    throw mistakeAt(item.at, `the variable ${quoted(name)} is not set`)
  })
}
