import {Args} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {completionScript, shells} from '../src/cli/completion/scripts.js'

export default class Completion extends BaseCommand {
  static override readonly summary = 'Print the script that completes commands in a shell.'
  static override readonly description =
    'Completes commands, flags and their values. Tags, platforms and slots come from the registry, which is asked for two seconds at most; its answers are kept for 30 seconds.'
  static override readonly examples = [
    {
      description: 'bash: in ~/.bashrc:',
      command: 'source <(<%= config.bin %> <%= command.id %> bash)',
    },
    {
      description: 'zsh: in ~/.zshrc, after compinit:',
      command: 'source <(<%= config.bin %> <%= command.id %> zsh)',
    },
    {
      description: 'fish: once:',
      command: '<%= config.bin %> <%= command.id %> fish > ~/.config/fish/completions/inject.fish',
    },
    {
      description: 'PowerShell: in $PROFILE:',
      command: '<%= config.bin %> <%= command.id %> powershell | Out-String | Invoke-Expression',
    },
  ]
  static override readonly args = {
    shell: Args.custom<(typeof shells)[number]>({
      ignoreStdin: true,
      options: [...shells],
    })({required: true, description: 'The shell.'}),
  }

  async run(): Promise<object> {
    const {args} = await this.parse(Completion)
    const script = completionScript(args.shell)
    if (!this.jsonEnabled()) process.stdout.write(script)
    return {schemaVersion: 1, shell: args.shell, script}
  }
}
