import {Parser, type Interfaces} from '@oclif/core'
import {join} from 'node:path'
import {describe, expect, it, onTestFinished} from 'vitest'
import Copy from '../../commands/copy.js'
import Create from '../../commands/create.js'
import History from '../../commands/history.js'
import Inspect from '../../commands/inspect.js'
import Rebase from '../../commands/rebase.js'
import Remove from '../../commands/remove.js'
import Rollback from '../../commands/rollback.js'
import Setup from '../../commands/setup.js'
import Unpack from '../../commands/unpack.js'
import Update from '../../commands/update.js'
import {editOptions} from '../../src/cli/flags/content/edit.js'
import {registryFlags} from '../../src/cli/flags/common.js'
import {packPorts} from '../../src/cli/ports/pack-ports.js'
import {unpack} from '../../src/index.js'
import {historyRequest, rebaseRequest, rollbackRequest} from '../../src/library/follow-requests.js'
import {networkSettings} from '../../src/library/library-options.js'
import {
  copyRequest,
  createRequest,
  inspectRequest,
  removeRequest,
  setupRequest,
  unpackRequest,
  updateRequest,
} from '../../src/library/requests.js'
import {machinePlatform} from '../../src/oci/platform.js'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'
import {putIndex} from '../support/layout-index.js'
import {tempDir} from '../support/temp-dir.js'

const image = 'registry.example/team/app:v1'
const other = 'registry.example/team/other:v1'

interface Command<Args, Flags, Request> {
  readonly args: Interfaces.ArgInput
  readonly flags: Interfaces.FlagInput
  readonly request: (args: Args, flags: Flags) => Request
}

/** Without what is absent; a switch that is off is `undefined` to oclif. */
function given(request: object): object {
  const entries = Object.entries(request).filter(([, value]) => value !== undefined)
  const parts = entries.map(([name, value]): [string, unknown] => {
    const isPart = typeof value === 'object' && !Array.isArray(value)
    return [name, isPart ? given(value as object) : value]
  })
  return Object.fromEntries(parts.filter(([, value]) => value !== false))
}

/** What a command asks its operation for when it is given these words. */
async function asked<Args, Flags, Request>(
  {args, flags, request}: Command<Args, Flags, Request>,
  words: string[],
): Promise<object> {
  const parsed = await Parser.parse(words, {args, flags})
  return given(request(parsed.args as Args, parsed.flags as Flags) as object)
}

describe("the library's defaults are those of the flags", () => {
  it('of setup, update, unpack, remove, inspect and copy', async () => {
    expect(given(setupRequest(image, {}))).toEqual(await asked(Setup, [image]))
    expect(given(updateRequest(image, 'tree', {}))).toEqual(await asked(Update, [image, 'tree']))
    expect(given(createRequest(image, 'tree', {}))).toEqual(await asked(Create, [image, 'tree']))
    expect(given(unpackRequest(image, 'tree', {}))).toEqual(await asked(Unpack, [image, 'tree']))
    expect(given(removeRequest(image, {}))).toEqual(await asked(Remove, [image]))
    expect(given(inspectRequest(image, {}))).toEqual(await asked(Inspect, [image]))
    expect(given(copyRequest(image, other, {}))).toEqual(await asked(Copy, [image, other]))
  })

  it('of rebase, history and rollback', async () => {
    expect(given(rebaseRequest(image, {}))).toEqual(await asked(Rebase, [image]))
    expect(given(historyRequest(image, {}))).toEqual(await asked(History, [image]))
    expect(given(rollbackRequest(image, {}))).toEqual(await asked(Rollback, [image]))
  })

  it('of how registries are reached, and of how much is done at once', async () => {
    const {flags} = await Parser.parse([], {flags: registryFlags, args: {}})
    expect(given(networkSettings({}))).toEqual(given(flags))
    expect(networkSettings({})['plain-http']).toBe(flags['plain-http'])
    const update = await Parser.parse([image, 'tree'], {flags: Update.flags, args: Update.args})
    const {openMemory, ...ports} = packPorts(update.flags, {}, {report: () => undefined})
    expect(ports).toEqual({})
    // of the command alone: docs/remembered-state.md
    expect(openMemory).toBeTypeOf('function')
  })

  it('with SOURCE_DATE_EPOCH', async () => {
    const before = process.env['SOURCE_DATE_EPOCH']
    onTestFinished(() => {
      if (before === undefined) delete process.env['SOURCE_DATE_EPOCH']
      else process.env['SOURCE_DATE_EPOCH'] = before
    })
    process.env['SOURCE_DATE_EPOCH'] = '981173106'
    expect(setupRequest(image, {}).layer.created).toBe(981_173_106)
    expect(setupRequest(image, {created: 5}).layer.created).toBe(5)
    expect(given(setupRequest(image, {}))).toEqual(await asked(Setup, [image]))
    process.env['SOURCE_DATE_EPOCH'] = '1e9'
    expect(() => setupRequest(image, {})).toThrow('SOURCE_DATE_EPOCH')
  })

  it('of the command, where an entrypoint is set', async () => {
    for (const cmd of [undefined, ['x']]) {
      const words = [image, 'tree', '--entrypoint', '/bin/app', ...(cmd ? ['--cmd', 'x'] : [])]
      const {flags} = await Parser.parse(words, {flags: Update.flags, args: Update.args})
      const edits = {entrypoint: ['/bin/app'], ...(cmd && {cmd})}
      expect(updateRequest(image, 'tree', {edits}).layer.edits).toEqual(editOptions(flags).edits)
    }
  })
})

it("unpacks the image of this machine's platform from an index", async () => {
  const folder = await tempDir()
  const store = await openLayoutStore(join(folder, 'layout'), {create: true})
  const {architecture} = machinePlatform(process.arch)
  const entries = await putIndex(store, {platforms: ['linux/s390x', `linux/${architecture}`]})
  await store.close()
  const notices: string[] = []
  const {digest} = await unpack(`oci:${join(folder, 'layout')}:v1`, join(folder, 'out'), {
    onEvent: (event) => {
      if (event.kind === 'notice') notices.push(event.message)
    },
  })
  expect(digest).toBe(entries[1]?.digest)
  expect(notices.join()).toContain(`unpacking linux/${architecture}, as this machine is`)
})
