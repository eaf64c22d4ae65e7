import {networkFlags} from '../flags/network.js'

/** What needs no standard input, and may be given again. */
const taken: Readonly<Record<string, {readonly type: string}>> = networkFlags

/**
 * The flags among `words` that say how registries are reached, so that completion reaches them in
 * the same way.
 */
export function registryWords(words: readonly string[]): string[] {
  return words.flatMap((word, index) => {
    const [, name = '', value] = /^--(?:no-)?([a-z-]+)(=.*)?$/s.exec(word) ?? []
    const flag = name === 'authfile' ? {type: 'option'} : taken[name]
    if (!flag || name === 'timeout') return []
    if (flag.type === 'boolean' || value !== undefined) return [word]
    const next = words[index + 1]
    return next === undefined || next === '' ? [] : [word, next]
  })
}
