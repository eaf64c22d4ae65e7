import {parseJsonValue} from '../../oci/json-value.js'

/** A package of which the metadata is among the files. */
export interface FoundPackage {
  readonly name: string
  readonly version: string
  /** https://github.com/package-url/purl-spec */
  readonly purl: string
}

/** The largest file of metadata that is read. */
export const largestMetadata = 1024 * 1024

/** Whether a file may name packages, by its path in the image. */
export function isMetadata(path: string): boolean {
  return kinds.some(({path: pattern}) => pattern.test(path))
}

/** The packages that a file names, by its path and its content; untrusted text. */
export function packagesIn(path: string, content: string): readonly FoundPackage[] {
  const kind = kinds.find(({path: pattern}) => pattern.test(path))
  return kind?.read(content) ?? []
}

const kinds: readonly {
  readonly path: RegExp
  readonly read: (content: string) => readonly FoundPackage[]
}[] = [
  // https://packaging.python.org/specifications/recording-installed-packages/
  {path: /\.dist-info\/METADATA$|\.egg-info\/PKG-INFO$/, read: python},
  {path: /\/node_modules\/(?:@[^/]+\/)?[^/]+\/package\.json$/, read: npm},
  // https://github.com/GoogleContainerTools/distroless: a file for each package
  {path: /\/var\/lib\/dpkg\/status(?:\.d\/[^/]+)?$/, read: debian},
]

function python(content: string): readonly FoundPackage[] {
  const fields = fieldsOf(content)
  return found('pypi', fields.get('name'), fields.get('version'), (name) =>
    name.toLowerCase().replaceAll(/[-_.]+/g, '-'),
  )
}

function npm(content: string): readonly FoundPackage[] {
  const value = parseJsonValue(content)
  if (typeof value !== 'object' || value === null) return []
  const {name, version} = value as {name?: unknown; version?: unknown}
  if (typeof name !== 'string' || typeof version !== 'string') return []
  return found('npm', name, version, (text) => text)
}

function debian(content: string): readonly FoundPackage[] {
  return content.split(/\n\n+/).flatMap((paragraph) => {
    const fields = fieldsOf(paragraph)
    const isInstalled = /(?:^| )installed$/.test(fields.get('status') ?? 'installed')
    return isInstalled
      ? found('deb/debian', fields.get('package'), fields.get('version'), (name) => name)
      : []
  })
}

function found(
  type: string,
  name: string | undefined,
  version: string | undefined,
  inPurl: (name: string) => string,
): readonly FoundPackage[] {
  if (name === undefined || version === undefined) return []
  if (!/^[@\w./+-]{1,214}$/.test(name) || !/^[\w.:~+!-]{1,128}$/.test(version)) return []
  const path = inPurl(name).split('/').map(encodeURIComponent).join('/')
  return [{name, version, purl: `pkg:${type}/${path}@${encodeURIComponent(version)}`}]
}

/** The fields of a header as in mail: `Name: value`, up to the first empty line. */
function fieldsOf(content: string): ReadonlyMap<string, string> {
  const [header = ''] = content.split(/\r?\n\r?\n/, 1)
  const fields = new Map<string, string>()
  for (const line of header.split(/\r?\n/)) {
    const [, name, value] = /^([A-Za-z-]{1,64}):[ \t]*(.*)$/.exec(line) ?? []
    const key = name?.toLowerCase()
    if (key !== undefined && value !== undefined && !fields.has(key)) fields.set(key, value.trim())
  }
  return fields
}
