import type {ImageConfig} from './config.js'
import {quoted} from './quoted.js'

/** What an image runs on. https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md#image-index-property-descriptions */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
  readonly 'os.version'?: string
}

/** The platform that an image's config states; `unknown` for what it leaves out, as in indexes. */
export function platformOf(config: ImageConfig): Platform {
  const {os = 'unknown', architecture = 'unknown', variant, 'os.version': version} = config
  return {
    os,
    architecture,
    ...(variant !== undefined && {variant}),
    ...(version !== undefined && {'os.version': version}),
  }
}

/** `linux/arm64/v8`, `windows(10.0.20348.1)/amd64`; for people, so odd characters are escaped. */
export function formatPlatform(platform: Platform): string {
  const {os, architecture, variant, 'os.version': version} = platform
  const system = version === undefined ? plain(os) : `${plain(os)}(${plain(version)})`
  return [system, plain(architecture), ...(variant === undefined ? [] : [plain(variant)])].join('/')
}

function plain(text: string): string {
  return /^[\w.+-]{1,100}$/.test(text) ? text : quoted(text, 100)
}
