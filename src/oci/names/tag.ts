/** What a tag matches from its start to its end; the same to every kind of regular expression. */
export const tagPattern = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}'

const whole = new RegExp(`^${tagPattern}$`)

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests */
export function isTag(text: string): boolean {
  return whole.test(text)
}
