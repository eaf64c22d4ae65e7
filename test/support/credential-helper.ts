import {chmod, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {tempDir} from './temp-dir.js'

export interface HelperProgram {
  /** The value of PATH under which it is found, beside the system's programs. */
  readonly path: string
  readonly folder: string
  /** What it was called with so far, one line each: `VERB INPUT`. */
  calls(): Promise<string[]>
}

/**
 * A credential helper that keeps what it is given in a folder, as a program of the test's own:
 * `docker-credential-NAME`.
 */
export async function installHelper(name: string): Promise<HelperProgram> {
  const folder = await tempDir()
  await writeProgram(
    folder,
    name,
    `#!/bin/sh
input=$(cat)
echo "$1 $input" >> ${folder}/calls
file=${folder}/kept-$(printf %s "$input" | sed -e 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/' | tr -c 'a-z0-9.\\n' _)
case $1 in
  get) if [ -f "$file" ]; then cat "$file"; else echo "credentials not found in native keychain"; exit 1; fi ;;
  store) printf %s "$input" > "$file" ;;
  erase) rm -f "$file" ;;
  *) exit 2 ;;
esac
`,
  )
  return {
    folder,
    path: `${folder}:/usr/bin:/bin`,
    calls: async () =>
      (await readFile(join(folder, 'calls'), 'utf8').catch(() => '')).split('\n').filter(Boolean),
  }
}

/** Any program under a helper's name. */
export async function writeProgram(
  folder: string,
  name: string,
  text: string,
  mode = 0o755,
): Promise<void> {
  const path = join(folder, `docker-credential-${name}`)
  await writeFile(path, text)
  await chmod(path, mode)
}
