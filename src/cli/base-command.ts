import {Command, type Interfaces, ux} from '@oclif/core'
import {accessSync, constants, existsSync, statSync, writeFileSync} from 'node:fs'
import {dirname, resolve} from 'node:path'
import {homeFolder} from '../disk/home-folder.js'
import {localIoError} from '../disk/local-io-error.js'
import {LocalIoError} from '../errors.js'
import {quoted} from '../oci/quoted.js'
import type {Ports, ProgressEvent, Step} from '../ports.js'
import {startDeadline} from './terminal/deadline.js'
import {escapedJson, escapedLine, escapedLines} from './render/text/escape.js'
import {errorDocument, errorLine, errorTrace} from './terminal/error-line.js'
import {exitCode} from './terminal/exit-code.js'
import {commonFlags, registryFlags} from './flags/common.js'
import {interruptedHint, listenForSignals, type Interruption} from './terminal/interruption.js'
import {guardOutputs, writeTo} from './terminal/outputs.js'
import {createProgress} from './terminal/progress.js'
import {ciFiles} from './ports/ci-files.js'
import type {Cost} from './render/text/cost.js'
import {createLeniency} from './ports/leniency.js'
import {storeOpener} from './ports/store-opener.js'
import {findProjectFile} from './project/find.js'
import type {Project} from './project/project.js'
import type {SettingsInForce} from './project/settings.js'
import {monotonicTime} from '../disk/clock.js'

/** A file that a result is written to. */
export interface OutputFile<Result> {
  readonly path: string
  readonly text: (result: Result) => string
}

/** How a result is shown. */
interface Presentation<Result> {
  /** The one line for stdout; `undefined` when there is nothing to hand on. */
  readonly line: (result: Result) => string | undefined
  /** The same in words, for stderr. */
  readonly summary?: (result: Result) => ProgressEvent
  /** What the run cost, which ends that line; `undefined`: nothing was done. */
  readonly cost?: (result: Result) => Cost | undefined
  /** What would save much the next time; shown once a day at most. */
  readonly hint?: (result: Result) => string | undefined
  /** What failed in a run that has a result all the same, as lines for stderr: also if quiet. */
  readonly failures?: (result: Result) => readonly string[]
  /** What is written besides; replaced if it is there. */
  readonly files?: readonly OutputFile<Result>[]
  /** Where the digest is written to as well, if anywhere, and which. */
  readonly digestFile?: {
    readonly path: string | undefined
    readonly of: (result: Result) => string | null
  }
}

type RunFlags = Interfaces.InferredFlags<typeof commonFlags & typeof registryFlags>

/**
 * What all commands share: flags, progress, signals, and what comes out. stdout gets the result
 * only, one line or the `--json` document; everything else goes to stderr.
 */
export abstract class BaseCommand extends Command {
  static override readonly enableJsonFlag = true
  static override readonly baseFlags = {...commonFlags, ...registryFlags}
  #interruption: Interruption | undefined
  /** The step that the run has come to. */
  #step: Step | undefined
  #debug = false

  /**
   * Runs one operation with everything impure that it needs, and shows its result. An operation
   * that is interrupted can write the files of what it knows by itself.
   */
  protected async perform<Result extends object>(
    flags: RunFlags & {readonly strict?: boolean},
    operation: (ports: Ports, writeFiles: (result: Result) => void) => Promise<Result>,
    {line, failures, digestFile, files = [], ...shown}: Presentation<Result>,
  ): Promise<object> {
    const began = monotonicTime()
    this.#debug = flags.debug
    guardOutputs(process)
    const interruption = (this.#interruption = listenForSignals())
    const progress = await createProgress(flags.progress, flags, terminal)
    const deadline = startDeadline(flags.timeout, interruption.signal)
    const report = (event: ProgressEvent): void => {
      // a run that has begun to move tags may begin again, but has moved some
      if (event.kind === 'step' && this.#step !== 'publish') this.#step = event.step
      progress.report(event)
    }
    const watched = {report, signal: deadline.signal}
    const writeFiles = (result: Result): void => {
      for (const {path, text} of files) writeText(path, text(result))
    }
    try {
      if (digestFile?.path !== undefined) checkWritable(digestFile.path)
      const reports = ciFiles(flags, process.env, this.id ?? '')
      for (const {path} of [...files, ...reports]) checkWritable(path)
      const onTolerated = createLeniency(flags.strict === true, watched)
      const ports: Ports = {
        openStore: storeOpener(flags, watched),
        onTolerated,
        version: this.config.version,
        ...watched,
      }
      const result = await operation(ports, writeFiles)
      progress.end()
      // before anything is printed, which may fail
      writeFiles(result)
      const cost = shown.cost?.(result)
      const summary = shown.summary?.(result)
      const took = monotonicTime() - began
      if (summary) progress.report(cost ? await withCost(summary, cost, took) : summary)
      for (const failure of failures?.(result) ?? [])
        writeTo(process.stderr, `inject: ${escapedLine(failure)}\n`)
      const document = {schemaVersion: 1, ...result}
      const printed = flags.template ? flags.template(document) : line(result)
      if (printed !== undefined) this.log(printed)
      writeDigest(digestFile?.path, digestFile?.of(result))
      for (const {path, flag, text} of reports) writeText(path, text(result), flag)
      const hint = shown.hint?.(result)
      if (hint !== undefined && (await this.#mayHint(flags)))
        progress.report({kind: 'notice', message: `hint: ${hint}`})
      return document
    } finally {
      progress.end()
      deadline.release()
      interruption.release()
    }
  }

  /** Puts the defaults of the project file before the command line. */
  protected override async init(): Promise<void> {
    await super.init()
    const project = await this.#project()
    if (!project) return
    const {projectWords} = await import('./project/words.js')
    const {baseFlags, flags} = this.ctor
    const line = {command: this.id ?? '', argv: this.argv, flags: {...baseFlags, ...flags}}
    this.argv.unshift(...(await projectWords(project, {...line, env: process.env})))
  }

  /** What holds here for flags that are not given. */
  protected async settings(): Promise<SettingsInForce> {
    const {settingsInForce} = await import('./project/settings.js')
    return settingsInForce(await this.#project(), process.env)
  }

  /** `undefined`: there is no project file, or the user wants none. */
  async #project(): Promise<Project | undefined> {
    const end = this.argv.indexOf('--')
    const at = this.argv.indexOf('--no-project-file')
    // what shells call must not fail on a file, nor look for one
    if (this.ctor.hidden || (at >= 0 && (end < 0 || at < end))) return undefined
    const from = workingFolder()
    if (from === undefined) return undefined
    const chosen = process.env['INJECT_PROJECT_FILE']
    const found = findProjectFile({from, home: homeFolder(), chosen})
    if (!found) return undefined
    const {openProject} = await import('./project/open.js')
    return openProject(found, {from, config: this.config})
  }

  /** A hint is for people, who do not want the same one again and again. */
  async #mayHint({quiet, progress}: Pick<RunFlags, 'quiet' | 'progress'>): Promise<boolean> {
    if (quiet || progress === 'json' || process.env['CI'] || this.jsonEnabled()) return false
    const {isHintDue} = await import('./ports/daily-hint.js')
    return isHintDue(process.env, Date.now())
  }

  /** Results hold names that anybody chose. */
  override log(text = ''): void {
    super.log('%s', escapedLines(text))
  }

  protected override logJson(json: unknown): void {
    if (json !== undefined) ux.stdout('%s', escapedJson(JSON.stringify(json, null, 2)))
  }

  /**
   * oclif loses exit codes under `--json` and prints errors over several lines: so both are done
   * here.
   */
  protected override catch(error: Error): Promise<unknown> {
    const exit = this.#interruption?.exitCode() ?? exitCode(error)
    process.exitCode = exit
    const hint = error.name === 'AbortError' ? interruptedHint(this.#step) : undefined
    if (this.jsonEnabled()) this.logJson(errorDocument(error, exit, hint))
    else writeTo(process.stderr, `inject: ${errorLine(error, hint)}\n`)
    if (this.#debug) writeTo(process.stderr, `${errorTrace(error)}\n`)
    return Promise.resolve(undefined)
  }
}

/** `undefined`: it was removed. */
function workingFolder(): string | undefined {
  try {
    return process.cwd()
  } catch {
    return undefined
  }
}

async function withCost(
  event: ProgressEvent,
  cost: Cost,
  milliseconds: number,
): Promise<ProgressEvent> {
  const {costText, isWorthSaying} = await import('./render/text/cost.js')
  if (!('message' in event) || !isWorthSaying(cost, milliseconds)) return event
  return {...event, message: `${event.message}; ${costText(cost, milliseconds)}`}
}

/** Before anything is published, so that a result is not lost to a mistyped path. */
function checkWritable(path: string): void {
  try {
    if (existsSync(path) && statSync(path).isDirectory()) throw isFolder(path)
    // with the slash: nothing can be written below a file
    accessSync(existsSync(path) ? path : `${dirname(resolve(path))}/`, constants.W_OK)
  } catch (error) {
    throw localIoError(error, 'write', path)
  }
}

function isFolder(path: string): LocalIoError {
  return new LocalIoError('ERR_INJECT_LOCAL_IO', `cannot write ${quoted(path)}: it is a directory`)
}

function writeDigest(path: string | undefined, digest: string | null | undefined): void {
  if (path !== undefined && digest) writeText(path, digest)
}

function writeText(path: string, text: string, flag: 'w' | 'a' = 'w'): void {
  try {
    writeFileSync(path, `${text}\n`, {flag})
  } catch (error) {
    throw localIoError(error, 'write', path)
  }
}

const terminal = {
  write: (text: string) => writeTo(process.stderr, text),
  isTTY: process.stderr.isTTY,
  get columns() {
    return process.stderr.columns
  },
  get rows() {
    return process.stderr.rows
  },
  env: process.env,
  now: monotonicTime,
}
