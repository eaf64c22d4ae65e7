import {commonKeys, numberKeys, ownKeys} from './keys.js'
import {commandsKey} from './decode.js'
import type {CommandFlags, KnownFlag} from './project.js'

/** The schema of project files, for editors. https://json-schema.org/draft-07 */
export function projectSchema(commands: CommandFlags): object {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Defaults of inject for a project',
    ...mapOf({...propertiesOf(commonKeys), [commandsKey]: commandsOf(commands)}),
  }
}

/** Names are as they are typed: `store gc`. */
function commandsOf(commands: CommandFlags): object {
  const sections = [...commands].flatMap(([command, flags]) => {
    const common = Object.entries(commonKeys).filter(([key]) => flags.includes(key))
    const keys = {...Object.fromEntries(common), ...ownKeys[command]}
    return [[command.replaceAll(':', ' '), mapOf(propertiesOf(keys))] as const]
  })
  return {description: 'Defaults for single commands.', ...mapOf(Object.fromEntries(sections))}
}

function mapOf(properties: object): object {
  return {type: 'object', additionalProperties: false, properties}
}

function propertiesOf(keys: Readonly<Record<string, KnownFlag>>): object {
  return Object.fromEntries(Object.entries(keys).map(([key, flag]) => [key, schemaOf(key, flag)]))
}

function schemaOf(key: string, flag: KnownFlag): object {
  const {summary: description} = flag
  if (flag.type === 'boolean') return {description, type: 'boolean'}
  const word = {
    ...(flag.options
      ? {enum: flag.options}
      : {type: numberKeys.has(key) ? ['integer', 'string'] : 'string'}),
  }
  if (flag.multiple !== true) return {description, ...word}
  return {description, anyOf: [word, {type: 'array', minItems: 1, items: word}]}
}
