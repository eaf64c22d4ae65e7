/** The shells that have a script. */
export const shells = ['bash', 'zsh', 'fish', 'powershell'] as const

export type Shell = (typeof shells)[number]

/**
 * What makes a shell ask `inject complete` when Tab is pressed. Nothing of a command is in it, so
 * that it stays right when `inject` is replaced by a newer version.
 */
export function completionScript(shell: Shell): string {
  return {bash, zsh, fish, powershell}[shell]
}

const bash = String.raw`# Completion of inject for bash. To load it: source <(inject completion bash)
_inject() {
  local line current cut kind text
  local -a typed lines
  COMPREPLY=()
  # bash divides words at : and =, which are a part of references
  line=${'$'}{COMP_LINE:0:COMP_POINT}
  IFS=$' \t\n' read -ra typed <<<"$line"
  [[ $line == *[[:blank:]] ]] && typed+=('')
  current=${'$'}{typed[${'$'}{#typed[@]}-1]}
  mapfile -t lines < <(command "${'$'}{typed[0]}" complete -- "${'$'}{typed[@]:1}" 2>/dev/null)
  kind=${'$'}{lines[0]}
  case $kind in
    files) compopt -o default; return ;;
    directories) compopt -o dirnames; return ;;
  esac
  # and wants only what comes after the last of them
  cut=
  [[ $current == *[:=@]* ]] && cut=${'$'}{current%"${'$'}{current##*[:=@]}"}
  for text in "${'$'}{lines[@]:1}"; do
    text=${'$'}{text%%$'\t'*}
    [[ $text == *[:=/] ]] && compopt -o nospace
    COMPREPLY+=("${'$'}{text#"$cut"}")
  done
}
complete -F _inject inject
`

const zsh = String.raw`#compdef inject
# Completion of inject for zsh. To load it: source <(inject completion zsh)
_inject() {
  local line text
  local -a lines plain open shown_plain shown_open
  lines=("${'$'}{(@f)$(command "${'$'}{words[1]}" complete -- "${'$'}{(@)words[2,CURRENT]}" 2>/dev/null)}")
  case $lines[1] in
    files) _files; return ;;
    directories) _files -/; return ;;
  esac
  for line in "${'$'}{(@)lines[2,-1]}"; do
    text=${'$'}{line%%$'\t'*}
    [[ -n $text ]] || continue
    if [[ $text == *[:=/] ]]; then
      open+=("$text"); shown_open+=("${'$'}{line/$'\t'/  }")
    else
      plain+=("$text"); shown_plain+=("${'$'}{line/$'\t'/  }")
    fi
  done
  (( $#plain )) && compadd -Q -l -d shown_plain -a plain
  (( $#open )) && compadd -Q -S '' -l -d shown_open -a open
}
# in a folder of $fpath this file is the function itself
if [[ $funcstack[1] == _inject ]]; then
  _inject "$@"
else
  compdef _inject inject
fi
`

const fish = String.raw`# Completion of inject for fish. To load it: inject completion fish | source
function __inject_complete
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    set -l lines (command $typed[1] complete -- $typed[2..] "$current" 2>/dev/null)
    switch "$lines[1]"
        case files
            __fish_complete_path "$current"
        case directories
            __fish_complete_directories "$current"
        case '*'
            printf '%s\n' $lines[2..]
    end
end
complete -c inject -f -a '(__inject_complete)'
`

const powershell = String.raw`# Completion of inject for PowerShell.
# To load it: inject completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName inject -ScriptBlock {
  param($current, $command, $position)
  $typed = @($command.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.StartOffset -lt $position } | ForEach-Object { $_.ToString() })
  if ($current -eq '') {
    # older versions drop an argument that is empty
    $isOld = $PSVersionTable.PSVersion -lt [version]'7.3' -or $PSNativeCommandArgumentPassing -eq 'Legacy'
    $typed += $(if ($isOld) { '""' } else { '' })
  }
  $lines = @(& inject complete '--' @typed 2>$null)
  $lines | Select-Object -Skip 1 | ForEach-Object {
    $text, $help = $_ -split "${'`'}t", 2
    if (-not $help) { $help = $text }
    [System.Management.Automation.CompletionResult]::new($text, $text, 'ParameterValue', $help)
  }
}
`
