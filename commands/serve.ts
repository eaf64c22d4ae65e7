import {Args} from '@oclif/core'
import {createAccessLog} from '../src/cli/terminal/access-log.js'
import {BaseCommand} from '../src/cli/base-command.js'
import {commonFlags} from '../src/cli/flags/common.js'
import {createProgress} from '../src/cli/terminal/progress.js'
import {serveFlags, serveOptions} from '../src/cli/flags/commands/serve.js'
import {listenForServeSignals} from '../src/cli/terminal/serve-signals.js'
import {quoted} from '../src/oci/quoted.js'
import {serve} from '../src/operations/serve/serve.js'
import {openRepositoryRoot} from '../src/store/served/open-root.js'
import {monotonicTime} from '../src/disk/clock.js'

export default class Serve extends BaseCommand {
  static override readonly summary = 'Run a registry over a folder of OCI image layouts.'
  static override readonly description =
    'Serves the OCI distribution API until SIGTERM. Prints the address of each listener on its own line once it accepts requests. SIGHUP reloads passwords and certificates. The request log goes to stderr.'
  static override readonly examples = [
    {
      description: 'Serve one folder on this machine:',
      command: '<%= config.bin %> <%= command.id %> ./registry --listen 127.0.0.1:5000',
    },
    {
      description: 'Serve two folders on two ports:',
      command:
        '<%= config.bin %> <%= command.id %> --listen 127.0.0.1:5000=./team-a --listen 127.0.0.1:5001=./team-b',
    },
    {
      description: 'Serve a network, with TLS and passwords:',
      command:
        '<%= config.bin %> <%= command.id %> ./registry --listen :443 --auth htpasswd:users --tls-cert cert.pem --tls-key key.pem',
    },
  ]
  // the credentials of a client have no meaning here
  static override readonly baseFlags = commonFlags as typeof BaseCommand.baseFlags
  static override readonly args = {
    root: Args.string({
      ignoreStdin: true, // oclif would take a piped text for it
      description: 'The folder; created if missing.',
    }),
  }
  static override readonly flags = serveFlags

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Serve)
    const signals = listenForServeSignals()
    const write = (text: string): void => void process.stderr.write(text)
    const progress = await createProgress('none', flags, {...plainTerminal, write})
    try {
      await serve(serveOptions(flags, args.root), {
        // who changes nothing needs no lock, and no right to set one
        openRoot: (directory) =>
          openRepositoryRoot(
            directory,
            flags['read-only']
              ? {shared: true, readOnly: true}
              : {
                  create: true,
                  refuseForeign: !flags.force,
                  unfinishedSize: flags['max-unfinished'],
                  takeOver: flags['take-over'],
                  onUnsure: (holder) =>
                    progress.report({kind: 'notice', message: waitingFor(directory, holder)}),
                },
          ),
        onReady: (urls) => {
          for (const url of urls) this.log(url)
          if (this.jsonEnabled()) this.logJson({schemaVersion: 1, listeners: urls})
        },
        log: createAccessLog(flags.quiet ? 'none' : flags.log, write),
        report: (event) => progress.report(event),
        signal: signals.signal,
        onReload: (reload) => signals.onReload(reload),
      })
    } finally {
      signals.release()
    }
  }
}

function waitingFor(directory: string, holder: string): string {
  return `waiting up to 45 s to see whether ${holder}, which serves ${quoted(directory)}, still lives; --take-over does not wait`
}

/** For a log: it is not a place to draw on. */
const plainTerminal = {isTTY: false, env: process.env, now: monotonicTime}
