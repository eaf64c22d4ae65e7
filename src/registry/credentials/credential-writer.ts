import {editMembers, type MemberEdit} from '../../image/text-edit.js'
import type {CallOptions} from '../../store/content-store.js'
import {allAuthKeys, authKeysOf, findInAuthFile} from './auth-file.js'
import {editAuthFile, readIfThere} from './auth-file-edit.js'
import {type AuthFile, type AuthFilePlaces, authFilesOnDisk} from './auth-file-places.js'
import {eraseFromHelper, storeWithHelper} from './credential-helper.js'
import {helperServers} from './helper-keys.js'
import {registryOfKey, serverKey} from './registry-name.js'

/** Where a login was written to, or removed from. */
export interface CredentialPlace {
  readonly file: string
  /** The program that keeps the secret; `undefined`: the file itself. */
  readonly helper?: string
}

/**
 * Stores a login where it will be found: in the first file that has an entry for the registry, else
 * in the first existing file (podman's, then docker's), else in docker's, which all tools read; or
 * in the helper that this file names. Throws `LocalIoError`, and `AuthenticationError` for a file
 * or a helper that cannot be used.
 */
export async function storeCredential(
  places: AuthFilePlaces,
  registry: string,
  {username, password}: {readonly username: string; readonly password: string},
  call: CallOptions,
): Promise<CredentialPlace> {
  const {path: file, text} = await choose(places, registry)
  const {helper, store} = findInAuthFile(text, file, registry, '')
  const program = helper?.name ?? store?.name
  const [server = registry] = helperServers(registry, helper?.key)
  if (program !== undefined) {
    await storeWithHelper(program, {server, username, password}, {env: places.env, ...call})
  }
  const auth = Buffer.from(`${username}:${password}`).toString('base64')
  const entry = program === undefined ? {auth} : {}
  await editAuthFile(file, (before) => replaceEntry(before, file, registry, entry), call)
  return {file, ...(program !== undefined && {helper: program})}
}

/**
 * Removes the login for a registry from every file, and from every helper that keeps it. Returns
 * the places; throws as `storeCredential` does.
 */
export async function eraseCredential(
  places: AuthFilePlaces,
  registry: string,
  call: CallOptions,
): Promise<CredentialPlace[]> {
  const gone: CredentialPlace[] = []
  for (const place of authFilesOnDisk(places)) {
    const text = await readIfThere(place)
    if (text === undefined) continue
    gone.push(...(await eraseFrom({file: place.path, text}, registry, {env: places.env, ...call})))
  }
  return gone
}

/** All registries with a login in the files, including helpers' if the files name the registry. */
export async function listRegistries(places: AuthFilePlaces): Promise<string[]> {
  const found = new Set<string>()
  for (const place of authFilesOnDisk(places)) {
    const text = await readIfThere(place)
    if (text === undefined) continue
    for (const key of allAuthKeys(text, place.path)) found.add(registryOfKey(key) ?? '')
  }
  found.delete('')
  return [...found].sort()
}

async function eraseFrom(
  {file, text}: {readonly file: string; readonly text: string},
  registry: string,
  call: CallOptions & Pick<AuthFilePlaces, 'env'>,
): Promise<CredentialPlace[]> {
  const {helper, store} = findInAuthFile(text, file, registry, '')
  const program = helper?.name ?? store?.name
  const gone: CredentialPlace[] = []
  if (program !== undefined) {
    const erased: boolean[] = []
    for (const server of helperServers(registry, helper?.key)) {
      erased.push(await eraseFromHelper(program, server, call))
    }
    if (erased.includes(true)) gone.push({file, helper: program})
  }
  if (authKeysOf(text, file, registry).length === 0) return gone
  await editAuthFile(file, (before) => removeEntries(before, file, registry), call)
  // an entry that only marks the helper's login is not a login of the file
  return gone.length > 0 ? gone : [{file}]
}

async function choose(
  places: AuthFilePlaces,
  registry: string,
): Promise<{path: string; text: string}> {
  // the old file is no longer written, and `.dockercfg` has another layout
  const files = authFilesOnDisk(places).filter(({owner}) => owner !== 'docker-legacy')
  const there: {path: string; text: string; knows: boolean}[] = []
  for (const {path} of files) {
    const text = await readIfThere({path})
    if (text !== undefined) there.push({path, text, knows: knows(text, path, registry)})
  }
  const found = there.find((each) => each.knows) ?? there[0]
  return found ?? {path: lastOf(files).path, text: '{}'}
}

function knows(text: string, path: string, registry: string): boolean {
  const {helper} = findInAuthFile(text, path, registry, '')
  return helper !== undefined || authKeysOf(text, path, registry).length > 0
}

function lastOf(files: readonly AuthFile[]): AuthFile {
  const last = files.at(-1)
  if (!last) throw new TypeError('there is no place for files of credentials')
  return last
}

/**
 * Sets one entry for the registry, under the existing key; entries under other spellings are
 * removed, because they would be found instead.
 */
function replaceEntry(text: string, file: string, registry: string, entry: object): string {
  const keys = authKeysOf(text, file, registry)
  const usual = serverKey(registry)
  const key = keys.includes(usual) ? usual : (keys[0] ?? usual)
  const others = keys.filter((each) => each !== key)
  return editMembers(text, [{kind: 'set', path: ['auths', key], value: entry}, ...removals(others)])
}

function removeEntries(text: string, file: string, registry: string): string {
  return editMembers(text, removals(authKeysOf(text, file, registry)))
}

function removals(keys: readonly string[]): MemberEdit[] {
  return keys.map((key) => ({kind: 'remove', path: ['auths', key]}))
}
