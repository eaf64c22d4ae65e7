// Mutants of archives, made from a seed, read by our reader and by others: whatever ours takes,
// each of the others that takes it, too, must see as the same names, types, sizes and link targets.
// INJECT_TAR_MUTANTS=200000 makes more of them than a test should (some ten minutes),
// INJECT_TAR_SEED=7 other ones.
import {execa} from 'execa'
import {mkdir, readdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {InjectError} from '../../../src/errors.js'
import type {Entry} from '../../../src/layer/entry.js'
import {createTarReader} from '../../../src/layer/tar/reader.js'
import {randomOf} from '../../support/json-mutants.js'
import {tarMutant} from '../../support/tar-mutants.js'
import {tempDir} from '../../support/temp-dir.js'
import {describeWith} from '../../support/tools.js'

const count = Number(process.env['INJECT_TAR_MUTANTS'] ?? 2000)
const seed = Number(process.env['INJECT_TAR_SEED'] ?? 20261129)
const batch = 500

/** `- name 3`, `l name -> target`: the letter as `ls` has it, `h` for a hard link. */
type Line = string

function line(type: string, path: string, size: number, target?: string): Line {
  // a slash more is the same path, and bsdtar prints one only
  const single = path.replaceAll(/\/+/g, '/')
  const name = type === 'd' ? single.replace(/\/$/, '') : single
  if (type === 'l' || type === 'h') return `${type} ${name} -> ${target ?? ''}`
  return type === '-' ? `- ${name} ${size}` : `${type} ${name}`
}

const letters: Readonly<Record<Entry['kind'], string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  hardlink: 'h',
  'character-device': 'c',
  'block-device': 'b',
  fifo: 'p',
}

/** `undefined` for what we refuse. */
function ours(bytes: Buffer): Line[] | undefined {
  const lines: Line[] = []
  const reader = createTarReader(
    {
      entry(entry) {
        const target = 'target' in entry ? entry.target : undefined
        lines.push(line(letters[entry.kind], entry.path, 'size' in entry ? entry.size : 0, target))
      },
      data: () => {},
      entryEnd: () => {},
    },
    {entries: 1000},
  )
  try {
    reader.write(bytes)
    reader.end()
    return lines
  } catch (error) {
    if (error instanceof InjectError) return undefined
    throw error
  }
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** What GNU tar and bsdtar print for bytes that are not printable. */
function plain(text: string): string {
  return text.replaceAll(/\\([0-7]{3}|.)/g, (_, code: string) =>
    /^[0-7]{3}$/.test(code)
      ? String.fromCharCode(Number.parseInt(code, 8))
      : (escapes[code] ?? code),
  )
}

function listed(output: string, form: RegExp): Line[] {
  return output
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => {
      const [, letter = '?', size = '', rest = ''] = form.exec(text) ?? []
      const [, link] = / link to (.*)$/.exec(rest) ?? []
      if (link !== undefined)
        return line('h', plain(rest.slice(0, -` link to ${link}`.length)), 0, plain(link))
      const at = letter === 'l' ? rest.indexOf(' -> ') : -1
      if (at >= 0) return line('l', plain(rest.slice(0, at)), 0, plain(rest.slice(at + 4)))
      return line(letter === 'C' ? '-' : letter, plain(rest), Number(size))
    })
}

/** One shell for all archives of a folder; its exit code is behind the listing of each. */
const lister = (command: string, end: string): string =>
  `for f in *.tar; do LC_ALL=C TZ=UTC ${command} "$f" > "$f.${end}" 2> /dev/null; echo "exit $?" >> "$f.${end}"; done`

const python = `
import sys, os, json, tarfile
for name in sorted(os.listdir('.')):
    if not name.endswith('.tar'): continue
    out = []
    try:
        with tarfile.open(name, 'r:', encoding='utf-8', errors='surrogateescape') as t:
            for m in t:
                kind = ('h' if m.islnk() else 'l' if m.issym() else 'd' if m.isdir() else 'c' if m.ischr()
                        else 'b' if m.isblk() else 'p' if m.isfifo() else '-' if m.isreg() else '?')
                show = lambda s: s.encode('utf-8', 'surrogateescape').decode('latin1')
                out.append([kind, show(m.name), m.size, show(m.linkname)])
    except Exception:
        out = None
    json.dump(out, open(name + '.python', 'w'))
`

const readers: Readonly<
  Record<
    string,
    {run: (cwd: string) => Promise<unknown>; read: (text: string) => Line[] | undefined}
  >
> = {
  gnu: {
    run: (cwd) =>
      execa('sh', ['-c', lister('tar -tvP --numeric-owner --quoting-style=escape -f', 'gnu')], {
        cwd,
      }),
    read: (text) => accepted(text, /^(.)\S+ \S+ +(\S+) \S+ \S+ (.*)$/),
  },
  bsdtar: {
    run: (cwd) => execa('sh', ['-c', lister('bsdtar -tvP --numeric-owner -f', 'bsdtar')], {cwd}),
    read: (text) => accepted(text, /^(.)\S+ +\d+ \S+ +\S+ +(\S+) \S+ +\S+ +\S+ (.*)$/),
  },
  python: {
    run: (cwd) => execa('python3', ['-c', python], {cwd, reject: false}),
    read(text) {
      const found = JSON.parse(text) as [string, string, number, string][] | null
      return found?.map(([type, path, size, target]) => line(type, path, size, target))
    },
  },
}

function accepted(text: string, form: RegExp): Line[] | undefined {
  const end = text.lastIndexOf('exit ')
  return text.slice(end) === 'exit 0\n' ? listed(text.slice(0, end), form) : undefined
}

describeWith(['bsdtar'], 'archives read by us, GNU tar, bsdtar and Python (A11)', () => {
  it(
    `${count} mutants: what we take the others see as we do, or refuse`,
    async () => {
      const random = randomOf(seed)
      const folder = await tempDir()
      const differences: string[] = []
      const seen = {ours: 0, gnu: 0, bsdtar: 0, python: 0}
      for (let made = 0; made < count; made += batch) {
        const cwd = join(folder, String(made))
        await mkdir(cwd)
        const taken = new Map<string, Line[]>()
        for (let at = made; at < Math.min(made + batch, count); at++) {
          const bytes = tarMutant(random)
          const lines = ours(bytes)
          if (lines === undefined) continue
          taken.set(`${at}.tar`, lines)
          await writeFile(join(cwd, `${at}.tar`), bytes)
        }
        seen.ours += taken.size
        await Promise.all(Object.values(readers).map(({run}) => run(cwd)))
        const there = new Set(await readdir(cwd))
        for (const [file, lines] of taken) {
          for (const [reader, {read}] of Object.entries(readers)) {
            if (!there.has(`${file}.${reader}`)) continue
            const theirs = read(await readFile(join(cwd, `${file}.${reader}`), 'latin1'))
            if (theirs === undefined) continue
            seen[reader as keyof typeof seen]++
            if (JSON.stringify(theirs) === JSON.stringify(lines)) continue
            differences.push(`${join(cwd, file)}: ${JSON.stringify({reader, theirs, ours: lines})}`)
          }
        }
      }
      if (process.env['INJECT_TAR_MUTANTS'] !== undefined) {
        console.log(
          JSON.stringify({mutants: count, accepted: seen, differences: differences.length}),
        )
        for (const each of differences.slice(0, 40)) console.log(each)
      }
      expect(differences.slice(0, 5)).toEqual([])
      // a test in which nobody accepts anything would prove nothing
      expect(seen.ours).toBeGreaterThan(count / 20)
      expect(Math.min(seen.gnu, seen.bsdtar)).toBeGreaterThan(count / 20)
    },
    Math.max(120_000, count * 40),
  )
})
