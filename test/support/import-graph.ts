import {readdirSync, readFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import ts from 'typescript'

/**
 * Which file of `src` and `commands` imports which, types included. Paths are relative to the
 * project.
 */
export function importGraph(): ReadonlyMap<string, readonly string[]> {
  const files = ['src', 'commands']
    .flatMap((folder) =>
      readdirSync(folder, {recursive: true, encoding: 'utf8'}).map((file) => join(folder, file)),
    )
    .filter((file) => /\.(?:ts|js)$/.test(file))
  const known = new Set(files)
  return new Map(
    files.map((file) => {
      const {importedFiles} = ts.preProcessFile(readFileSync(file, 'utf8'), true, true)
      const imported = importedFiles
        .map(({fileName}) => join(dirname(file), fileName))
        .map((path) => (known.has(path) ? path : path.replace(/\.js$/, '.ts')))
        .filter((path) => known.has(path))
      return [file, imported]
    }),
  )
}

/** The same for folders; a file at the top of `src` counts as a folder. */
export function folderGraph(
  files: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, readonly string[]> {
  const folderOf = (file: string): string => (dirname(file) === 'src' ? file : dirname(file))
  const folders = new Map<string, Set<string>>()
  for (const [file, imported] of files) {
    const folder = folderOf(file)
    const others = folders.get(folder) ?? new Set()
    for (const other of imported.map(folderOf)) if (other !== folder) others.add(other)
    folders.set(folder, others)
  }
  return new Map([...folders].map(([folder, others]) => [folder, [...others]]))
}

/** A way from a node back to itself, or `undefined` where there is none. */
export function findCircle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>()
  const path: string[] = []
  const visit = (node: string): string[] | undefined => {
    const at = path.indexOf(node)
    if (at >= 0) return [...path.slice(at), node]
    if (done.has(node)) return undefined
    path.push(node)
    for (const next of graph.get(node) ?? []) {
      const circle = visit(next)
      if (circle) return circle
    }
    path.pop()
    done.add(node)
    return undefined
  }
  for (const node of graph.keys()) {
    const circle = visit(node)
    if (circle) return circle
  }
  return undefined
}
