import {describe, expect, it} from 'vitest'
import {completionScript} from '../../../src/cli/completion/scripts.js'

// Debian has no PowerShell. What can be known without one: every quote and bracket has its partner.
describe('the script for PowerShell', () => {
  const partners: Readonly<Record<string, string>> = {')': '(', ']': '[', '}': '{'}

  /** Brackets that are open, or do not fit, and a quote that is open. */
  function unbalanced(script: string): string {
    const open: string[] = []
    for (let at = 0; at < script.length; at++) {
      const character = script[at]!
      if (character === '`') at++
      else if (character === '#') at = lineEnd(script, at)
      else if (character === "'" || character === '"') {
        const end = stringEnd(script, at)
        if (end < 0) return character
        at = end
      } else if ('([{'.includes(character)) open.push(character)
      else if (character in partners && open.pop() !== partners[character]) return character
    }
    return open.join('')
  }

  function lineEnd(script: string, at: number): number {
    const end = script.indexOf('\n', at)
    return end < 0 ? script.length : end
  }

  /** A quote in a string is doubled; in double ones a backtick stands before what is no end. */
  function stringEnd(script: string, start: number): number {
    const quote = script[start]
    for (let at = start + 1; at < script.length; at++) {
      if (script[at] === '`' && quote === '"') at++
      else if (script[at] === quote) {
        if (script[at + 1] !== quote) return at
        at++
      }
    }
    return -1
  }

  const script = completionScript('powershell')

  it('has a partner for each quote and bracket', () => {
    expect(unbalanced(script)).toBe('')
  })

  it.each([["'t"], ['(a]'], ['{'], ['"a`"']])('would not pass with %s', (text) => {
    expect(unbalanced(`${script}${text}`)).not.toBe('')
  })

  it('asks the program, and registers what it answers', () => {
    expect(script).toMatch(/^Register-ArgumentCompleter -Native -CommandName inject /m)
    expect(script).toContain("& inject complete '--' @typed")
  })
})
