import {execute, settings, type Command, type Interfaces} from '@oclif/core'
import {join} from 'node:path'

/**
 * A package with commands as it was when the bundle was made, so that at a start nothing has to be
 * looked for.
 */
export interface BundledPlugin {
  readonly pjson: Interfaces.PJSON
  /** By their identifiers, as in oclif.manifest.json. */
  readonly commands: Readonly<Record<string, Command.Cached>>
  /** What evaluates a command's module, by the same identifiers. */
  readonly modules: Readonly<Record<string, () => Promise<{readonly default: Command.Class}>>>
  /** The same for hooks and the class of help, by their paths as in package.json. */
  readonly files: Readonly<Record<string, () => Promise<object>>>
}

/** Asked by oclif's loader, as bin/bundle.mjs patches it, before it looks for a file. */
interface WithFiles {
  readonly bundled: (path: string) => (() => Promise<object>) | undefined
}

/**
 * Runs the program: the first of `plugins` is the program itself, at `root`. Settles when the
 * command has ended; its exit code is then the process's.
 */
export async function start(root: string, plugins: readonly BundledPlugin[]): Promise<void> {
  // what is built runs, in a clone with its sources and whatever NODE_ENV is, too
  settings.enableAutoTranspile = false
  const loaded = plugins.map((plugin, index) => pluginOf(plugin, {root, isRoot: index === 0}))
  const [main] = loaded
  await execute({
    loadOptions: {
      root,
      ...(main && {pjson: main.pjson}),
      plugins: new Map(loaded.map((plugin) => [plugin.name, plugin])),
    },
  })
}

/** The same that oclif's loader makes of a package on disk. */
function pluginOf(
  {pjson, commands, modules, files}: BundledPlugin,
  {root, isRoot}: {readonly root: string; readonly isRoot: boolean},
): Interfaces.Plugin {
  const paths = new Map(Object.entries(files).map(([path, file]) => [join(root, path), file]))
  const load = async (id: string): Promise<Command.Class> => {
    const command = (await modules[id]?.())?.default
    if (!command) throw new Error(`command ${id} not found`)
    return Object.assign(command, {id, plugin})
  }
  const plugin: Interfaces.Plugin & WithFiles = {
    _base: '@oclif/core',
    alias: pjson.name,
    bundled: (path) => paths.get(path),
    commandIDs: Object.keys(commands),
    commands: Object.entries(commands)
      .map(([id, command]) => ({
        ...command,
        load: () => load(id),
        pluginAlias: pjson.name,
        pluginType: 'core',
      }))
      // localeCompare takes milliseconds the first time
      .sort((one, other) => (one.id < other.id ? -1 : 1)),
    commandsDir: undefined,
    findCommand: (id: string) => load(id),
    hasManifest: true,
    hooks: hooksOf(pjson),
    isRoot,
    load: () => Promise.resolve(),
    moduleType: 'module',
    name: pjson.name,
    options: {root, isRoot},
    pjson,
    root,
    topics: Object.entries(pjson.oclif.topics ?? {}).map(([name, topic]) => ({...topic, name})),
    type: 'core',
    valid: true,
    version: pjson.version,
  }
  return plugin
}

function hooksOf({oclif}: Interfaces.PJSON): Interfaces.Plugin['hooks'] {
  return Object.fromEntries(
    Object.entries(oclif.hooks ?? {}).map(([event, hooks]) => [
      event,
      [hooks]
        .flat()
        .map((hook) => (typeof hook === 'string' ? {identifier: 'default', target: hook} : hook)),
    ]),
  )
}
