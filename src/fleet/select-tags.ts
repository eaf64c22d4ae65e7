import semver from 'semver'
import {matchesGlob} from './glob.js'

/** Which tags of a repository are meant. */
export interface TagSelection {
  /** Globs, one of which must match; empty: any tag. */
  readonly match: readonly string[]
  /** A range of versions that the tag must be in, such as `>=1.2 <3`. */
  readonly semver: string | undefined
  /** Globs, none of which may match. */
  readonly exclude: readonly string[]
  /** Only so many of the rest: the highest versions; tags that are not versions are left out. */
  readonly latest: number | undefined
}

/** The tags that are meant, in the order of the list. https://semver.org/spec/v2.0.0.html */
export function selectTags(
  tags: readonly string[],
  {match, semver: range, exclude, latest}: TagSelection,
): readonly string[] {
  const chosen = tags.filter((tag) => {
    if (match.length > 0 && !match.some((glob) => matchesGlob(glob, tag))) return false
    if (exclude.some((glob) => matchesGlob(glob, tag))) return false
    if (range === undefined) return true
    const version = versionOf(tag)
    return version !== undefined && semver.satisfies(version, range)
  })
  if (latest === undefined) return chosen
  const versions = chosen.flatMap((tag) => {
    const version = versionOf(tag)
    return version ? [{tag, version}] : []
  })
  versions.sort((a, b) => semver.rcompare(a.version, b.version) || (a.tag < b.tag ? -1 : 1))
  const newest = new Set(versions.slice(0, latest).map(({tag}) => tag))
  return chosen.filter((tag) => newest.has(tag))
}

/** Whether a text is a range of versions. */
export function isVersionRange(text: string): boolean {
  return semver.validRange(text) !== null
}

/** The version that a tag names: `1.2.3`, `v1.2`, `1-alpine`; missing numbers are 0. */
function versionOf(tag: string): semver.SemVer | undefined {
  const [, major, minor = '0', patch = '0', rest = ''] =
    /^v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?((?:-[0-9A-Za-z.-]+)?)$/.exec(tag) ?? []
  if (major === undefined) return undefined
  const numbers = [major, minor, patch].map(Number).join('.')
  return semver.parse(`${numbers}${rest}`) ?? undefined
}
