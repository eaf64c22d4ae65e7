// Where things are in a folder that holds one image as plain files: the only file that knows the
// names.
import type {LayerCompression} from '../oci/media-type.js'

/** What the names of our own start with while a folder is filled. */
export const fastPrefix = '.inject-'

export const fastFiles = {
  config: 'config.json',
  manifest: 'manifest.json',
  /** The manifest's digest. It is there exactly when all else is: written last, removed first. */
  marker: 'digest',
  /**
   * There while files are replaced, and after a run that did not come to its end with that: the
   * folder is ours although it has no marker.
   */
  unfinished: `${fastPrefix}unfinished`,
  /** Base first, from 000; more than three digits where there are more than a thousand layers. */
  layer: (position: number, compression: LayerCompression) =>
    `${numbered(position)}${suffixes[compression]}`,
  checksum: (position: number) => `${numbered(position)}.sha256`,
} as const

const suffixes = {gzip: '.tar.gz', zstd: '.tar.zst', none: '.tar'} as const

/** Whether a name is one that an image in such a folder can have. */
export function isFastFile(name: string): boolean {
  return /^(?:config\.json|manifest\.json|digest|\d{3,5}\.(?:tar(?:\.gz|\.zst)?|sha256))$/.test(
    name,
  )
}

function numbered(position: number): string {
  return String(position).padStart(3, '0')
}
