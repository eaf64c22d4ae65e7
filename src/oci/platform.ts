import {UsageError} from '../errors.js'
import type {ImageConfig} from './config.js'
import {quoted} from './quoted.js'

/**
 * What an image runs on.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md#image-index-property-descriptions
 */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
  readonly 'os.version'?: string
}

/** The platform that an image's config states; `unknown` for what it leaves out, as in indexes. */
export function platformOf(config: ImageConfig): Platform {
  const {os = 'unknown', architecture = 'unknown', variant, 'os.version': version} = config
  return withoutEmpty({
    os,
    architecture,
    ...(variant !== undefined && {variant}),
    ...(version !== undefined && {'os.version': version}),
  })
}

/** The platform without a variant or version that is empty, which Go programs write for none. */
export function withoutEmpty<T extends Partial<Platform>>(platform: T): T {
  const {variant, 'os.version': version, ...rest} = platform
  return {
    ...rest,
    ...(variant && {variant}),
    ...(version && {'os.version': version}),
  } as T
}

/** `linux/arm64/v8`, `windows(10.0.20348.1)/amd64`; for people, so odd characters are escaped. */
export function formatPlatform(platform: Platform): string {
  const {os, architecture, variant, 'os.version': version} = platform
  const system = version ? `${plain(os)}(${plain(version)})` : plain(os)
  return [system, plain(architecture), ...(variant ? [plain(variant)] : [])].join('/')
}

/**
 * A platform as users write it: `linux/arm64`, `linux/arm/v7`, `windows(10.0.20348.1)/amd64`;
 * nothing is left out but what may be. Throws `UsageError` (`ERR_INJECT_PLATFORM_INVALID`).
 * https://github.com/containerd/platforms#platform-specifiers
 */
export function parsePlatform(text: string): Platform {
  const [, os = '', version, architecture = '', variant] =
    /^([\w.+-]{1,100})(?:\(([\w.+-]{1,100})\))?\/([\w.+-]{1,100})(?:\/([\w.+-]{1,100}))?$/.exec(
      text,
    ) ?? []
  if (os === '') {
    throw new UsageError('ERR_INJECT_PLATFORM_INVALID', `not a platform: ${quoted(text)}`, {
      hint: 'write one OS/ARCHITECTURE[/VARIANT], as in linux/arm64',
    })
  }
  return {
    os: os.toLowerCase(),
    architecture: architecture.toLowerCase(),
    ...(variant !== undefined && {variant: variant.toLowerCase()}),
    ...(version !== undefined && {'os.version': version}),
  }
}

/**
 * Whether an image for `platform` is one that `wanted` names: equal after the usual other names
 * (`x86_64`, `aarch64`) and default variants (`arm64` is `arm64/v8`, `arm` is `arm/v7`); a version
 * of the operating system counts where `wanted` has one, and may go on: `10.0.20348` is
 * `10.0.20348.1`.
 */
export function matchesPlatform(wanted: Platform, platform: Platform): boolean {
  const [a, b] = [normal(wanted), normal(platform)]
  if (a.os !== b.os || a.architecture !== b.architecture || a.variant !== b.variant) return false
  const version = wanted['os.version']
  const found = platform['os.version'] ?? ''
  return version === undefined || found === version || found.startsWith(`${version}.`)
}

const otherNames: ReadonlyMap<string, string> = new Map([
  ['x86_64', 'amd64'],
  ['x86-64', 'amd64'],
  ['aarch64', 'arm64'],
  ['i386', '386'],
  ['armhf', 'arm'],
])
const defaultVariants: ReadonlyMap<string, string> = new Map([
  ['arm64', 'v8'],
  ['arm', 'v7'],
  ['amd64', 'v1'],
])

/** https://github.com/containerd/platforms/blob/main/database.go */
function normal({os, architecture, variant = ''}: Platform) {
  const lower = architecture.toLowerCase()
  const name = otherNames.get(lower) ?? lower
  const own = variant.toLowerCase()
  // "arm64/8" is written, too
  const version = /^\d$/.test(own) ? `v${own}` : own
  return {
    os: os.toLowerCase() === 'macos' ? 'darwin' : os.toLowerCase(),
    architecture: name,
    variant: version || (defaultVariants.get(name) ?? ''),
  }
}

function plain(text: string): string {
  return /^[\w.+-]{1,100}$/.test(text) ? text : quoted(text, 100)
}

/** Node's names of processors where images have others. */
const architectures: ReadonlyMap<string, string> = new Map([
  ['x64', 'amd64'],
  ['ia32', '386'],
  ['ppc64', 'ppc64le'],
  ['mipsel', 'mipsle'],
])

/**
 * What an image has to be for to run on a machine with such a processor, in Node's words:
 * containers run Linux also where the machine does not.
 */
export function machinePlatform(arch: string): Platform {
  return {os: 'linux', architecture: architectures.get(arch) ?? arch}
}
