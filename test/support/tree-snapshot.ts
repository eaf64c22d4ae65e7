import {lstatSync, readdirSync, readFileSync, readlinkSync} from 'node:fs'

/**
 * A line for everything in a tree, the tree itself included: kind, mode, owner, links, mtime and
 * content; with `identity` also the inode and the time of its last change of any kind, so that two
 * equal snapshots mean that nobody touched anything.
 */
export function treeSnapshot(root: string, {identity = false} = {}): string[] {
  const lines: string[] = []
  visit(root, '.')
  return lines

  function visit(path: string, name: string): void {
    const stat = lstatSync(Buffer.from(path, 'latin1'), {bigint: true})
    const seconds = stat.mtimeNs / 1_000_000_000n
    const mode = (stat.mode & 0o7777n).toString(8)
    const what = stat.isSymbolicLink()
      ? `link ${readlinkSync(Buffer.from(path, 'latin1'), 'latin1')}`
      : stat.isDirectory()
        ? 'directory'
        : stat.isFile()
          ? `file ${JSON.stringify(readFileSync(Buffer.from(path, 'latin1'), 'latin1').slice(0, 200))}`
          : stat.isFIFO()
            ? 'fifo'
            : `other ${stat.rdev}`
    const id = identity ? ` ${stat.ino} ${stat.ctimeNs}` : ''
    const links = stat.isDirectory() ? '' : ` links ${stat.nlink}`
    lines.push(
      `${JSON.stringify(name)} ${what} ${mode} ${stat.uid}:${stat.gid} ${seconds}${links}${id}`,
    )
    if (!stat.isDirectory()) return
    const names = readdirSync(Buffer.from(path, 'latin1'), {encoding: 'latin1'}).sort()
    for (const child of names) visit(`${path}/${child}`, name === '.' ? child : `${name}/${child}`)
  }
}
