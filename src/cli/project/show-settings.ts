import type {ProgressEvent} from '../../ports.js'

/** A row of what holds for flags that are not given. */
export interface ShownSetting {
  readonly key: string
  readonly command: string | null
  readonly value: string
  readonly from: string | null
}

interface ShownSettings {
  readonly file: string | null
  readonly settings: readonly ShownSetting[]
}

/** A table: the flag, its value, and where that is from. */
export const shownSettings = {
  line: ({settings}: ShownSettings): string => {
    const rows = settings.map(({key, command, value, from}) => [
      command === null ? key : `${command}: ${key}`,
      value,
      from ?? 'default',
    ])
    return aligned([['FLAG', 'VALUE', 'FROM'], ...rows]).join('\n')
  },
  summary: ({file}: ShownSettings): ProgressEvent => ({
    kind: 'notice',
    message:
      file === null
        ? 'no project file: docs/project-file.md says where one is looked for'
        : `project file ${file}`,
  }),
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell)).join('  '),
  )
}
