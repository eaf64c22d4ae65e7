import {Command, type Interfaces} from '@oclif/core'
import {writeFileSync} from 'node:fs'
import {localIoError} from '../disk/local-io-error.js'
import type {Ports} from '../operations/ports.js'
import {errorDocument, errorLine, errorTrace} from './error-line.js'
import {exitCode} from './exit-code.js'
import {commonFlags, registryFlags} from './flags.js'
import {listenForSignals, type Interruption} from './interruption.js'
import {createProgress} from './progress.js'
import {storeOpener} from './store-opener.js'

type RunFlags = Interfaces.InferredFlags<typeof commonFlags & typeof registryFlags>

/**
 * What all commands share: flags, progress, signals, and what comes out. stdout gets the result only, one line or the `--json` document;
 * everything else goes to stderr.
 */
export abstract class BaseCommand extends Command {
  static override readonly enableJsonFlag = true
  static override readonly baseFlags = {...commonFlags, ...registryFlags}
  #interruption: Interruption | undefined
  #debug = false

  /** Runs one operation with everything impure that it needs, and prints its result with `render`. */
  protected async perform<Result extends object>(
    flags: RunFlags,
    operation: (ports: Ports) => Promise<Result>,
    render: (result: Result) => string,
  ): Promise<object> {
    this.#debug = flags.debug
    const interruption = (this.#interruption = listenForSignals())
    const progress = createProgress(flags.progress, flags, terminal)
    const watched = {report: progress.report.bind(progress), signal: interruption.signal}
    try {
      const openStore = await storeOpener(flags, watched)
      const result = await operation({openStore, ...watched})
      progress.end()
      this.log(render(result))
      return {schemaVersion: 1, ...result}
    } finally {
      progress.end()
      interruption.release()
    }
  }

  /** oclif loses exit codes under `--json` and prints errors over several lines: so both are done here. */
  protected override catch(error: Error): Promise<unknown> {
    const exit = this.#interruption?.exitCode() ?? exitCode(error)
    process.exitCode = exit
    if (this.jsonEnabled()) this.logJson(errorDocument(error, exit))
    else process.stderr.write(`inject: ${errorLine(error)}\n`)
    if (this.#debug) process.stderr.write(`${errorTrace(error)}\n`)
    return Promise.resolve(undefined)
  }
}

/** For `--digestfile`. */
export function writeDigestFile(path: string | undefined, digest: string): void {
  if (path === undefined) return
  try {
    writeFileSync(path, `${digest}\n`)
  } catch (error) {
    throw localIoError(error, 'write', path)
  }
}

const terminal = {
  write: (text: string) => void process.stderr.write(text),
  isTTY: process.stderr.isTTY,
  env: process.env,
  now: () => performance.now(),
}
