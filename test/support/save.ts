import {execa} from 'execa'
import {createHash} from 'node:crypto'
import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {parsePlatform} from '../../src/oci/platform.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {saveFolder, type SaveFolderOptions} from '../../src/operations/save/save-folder.js'
import {save, type SaveOptions, type SaveResult} from '../../src/operations/save/save.js'
import type {Ports} from '../../src/ports.js'

/** `inject save IMAGE... -o FILE` in this process. */
export function saveTo(
  file: string,
  images: readonly string[],
  ports: Ports,
  more: Partial<SaveOptions> & {readonly on?: string} = {},
): Promise<SaveResult> {
  const {on, ...rest} = more
  return save(
    {
      images: images.map((text) => parseReference(text)),
      names: [],
      platform: on === undefined ? undefined : parsePlatform(on),
      compression: 'keep',
      legacy: false,
      output: {kind: 'file', path: file},
      ...rest,
    },
    ports,
  )
}

/** `inject save --format fast IMAGE DIR` in this process. */
export function saveFast(
  directory: string,
  image: string,
  ports: Ports,
  more: Partial<SaveFolderOptions> = {},
) {
  const reference = parseReference(image)
  return saveFolder({image: reference, directory, uncompressed: false, jobs: 4, ...more}, ports)
}

/** The names in a tar, in their order. */
export async function namesIn(file: string): Promise<string[]> {
  const {stdout} = await execa('tar', ['tf', file])
  return stdout.split('\n')
}

/** A JSON file of a tar. */
export async function jsonIn<T>(file: string, name: string): Promise<T> {
  const {stdout} = await execa('tar', ['xOf', file, name])
  return JSON.parse(stdout) as T
}

/** The SHA-256 of the files in a folder, by name. */
export function contentOf(
  directory: string,
  names: readonly string[] = readdirSync(directory),
): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, sumOf(join(directory, name))]))
}

export function sumOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}
