import {Parser, type Interfaces} from '@oclif/core'
import {expect, it} from 'vitest'
import Publish from '../../../commands/publish.js'
import Save from '../../../commands/save.js'
import SiteCheck from '../../../commands/site/check.js'

interface Command {
  readonly args: Interfaces.ArgInput
  readonly flags: Interfaces.FlagInput
}

const parse = async ({args, flags}: Command, words: string[]) =>
  (await Parser.parse(words, {flags, args, strict: false})).flags as Record<string, unknown>

it.each([
  [Publish, ['--name', 'team/app'], ['--repository', 'team/app']],
  [Save, ['--tag', 'team/app:v1'], ['--as', 'team/app:v1']],
  [Save, ['-t', 'team/app:v1'], ['--as', 'team/app:v1']],
  [Save, ['--cache', 'DIR'], ['--cache-dir', 'DIR']],
] as const)('%#: a flag may still be written as it was before', async (command, before, now) => {
  const image = 'registry.example/team/app:v1'
  const known = await parse(command, [image, 'there', ...before])
  expect(known).toEqual(await parse(command, [image, 'there', ...now]))
  expect(Object.values(known)).not.toEqual(Object.values(await parse(command, [image, 'there'])))
})

it('a site may still be checked by the command as it was called before', () => {
  expect(SiteCheck.hiddenAliases).toEqual(['check'])
})
