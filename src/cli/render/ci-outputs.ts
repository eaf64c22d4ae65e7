/** What CI hands from one job to the next: names and one-line values. */
export type CiOutputs = readonly (readonly [name: string, value: string])[]

const names = ['digest', 'reference', 'changed'] as const

/** The members of a result that CI has a use for; none if it has no digest. */
export function ciOutputs(result: object): CiOutputs {
  const members = result as Partial<Record<string, unknown>>
  if (typeof members['digest'] !== 'string') return []
  return names.flatMap((name) => {
    const value = members[name]
    const isPlain =
      typeof value === 'boolean' || (typeof value === 'string' && !/\p{Cc}/u.test(value))
    return isPlain ? [[name, String(value)] as const] : []
  })
}

/** Lines for the file that GITHUB_OUTPUT names. */
export function githubLines(outputs: CiOutputs): string {
  return outputs.map(([name, value]) => `${name}=${value}`).join('\n')
}

/** Lines for a report of the kind `dotenv` of GitLab. */
export function dotenvLines(outputs: CiOutputs): string {
  return outputs.map(([name, value]) => `INJECT_${name.toUpperCase()}=${value}`).join('\n')
}

/** A table for the page of a run. */
export function summaryMarkdown(command: string, outputs: CiOutputs): string {
  const rows = outputs.map(([name, value]) => `| ${name} | \`${value}\` |`)
  return [`### inject ${command}`, '', '| | |', '| --- | --- |', ...rows, ''].join('\n')
}
