import {execaSync} from 'execa'
import {readFileSync} from 'node:fs'
import {expect, it} from 'vitest'

/** What a native engineer would not write, and what to write instead. */
const slips: readonly (readonly [RegExp, string])[] = [
  [/\bwhoever\b/i, 'name who it is: the client, the caller, anyone who'],
  [/\bmend(?:s|ed|ing)?\b/i, 'fix'],
  [/\bsay `?--/i, 'use --flag'],
  [/\b(?:nobody is asked|asks nobody)\b/i, 'no login required'],
  [/\bthat there (?:is|are)\b/i, 'which exist, or name them'],
  [/\b(?:he|his|him)\b/i, 'they, their, it'],
  [/(?<!\bthere )\b(?:is|are) none\b/i, 'is not one, or invalid X'],
  [
    /(?<!\bthere )\b(?:is|are|was|were) no (?!longer|more|less|use\b|way\b|need\b|one\b)[a-z]/i,
    'is not a X',
  ],
  [/\bmay not\b/i, 'must not, or might not'],
  [/\bcannot be meant\b/i, 'invalid command line'],
  [/\ba mistake of (?:ours|inject)/i, 'a bug in inject'],
  [/\bsomething else than a text\b/i, 'must be a string'],
  [/\bgone on with\b/i, 'resume'],
  [/\bfor who (?:holds|asks)\b/i, 'the caller must hold, the caller that asks'],
  [/\bhas another idea of\b/i, 'say what differs'],
  [/\bempty start\b/i, 'an empty tree'],
  [/\ball is right\b/i, 'no problems'],
  [/\bwho outgrows\b/i, 'if one machine is not enough'],
  [/\bA bad night\b/i, 'unreliable networks'],
  [/`(?:undefined|null)` where\b/, '`undefined` if'],
  [/\bthis very\b|\bthe very (?:bytes|image|manifest)\b/i, 'this, exactly the'],
  [/\bwhere nobody (?:asked|said)\b/i, 'by default, if it was not asked for'],
  [/\b(?:is|are) (?:nobody|anybody)'s\b/i, 'is untrusted, or name whose it is'],
  [/\bmay be said of\b/i, 'the options of'],
  [/\bin the place of\b/i, 'in place of, instead of'],
  [/\banew\b/i, 'again, from scratch'],
  [/\bthe wish(?:es)? of\b/i, 'the request of'],
  [/\bis none to us\b|\bthe rest is what is wanted\b/i, 'say what it is'],
  [/\b(?:by|against) (?:its|their) own word\b/i, 'by its own claim, although it forbids that'],
]

/** Not ours to change: what programs print, names, generated text, and other senses of a word. */
const exceptions: readonly RegExp[] = [
  /^test\/words\.system\.test\.ts:/,
  /^(?:docs\/faults\.md|docs\/reference\.md|test\/registry\/fault-matrix\/)/,
  // "there" stands on the line before
  /^src\/(?:server\/http\/body-memory|store\/layout\/create|cli\/render\/inspect)\.ts:\d+: \* (?:is|are) no/,
  // the page of style quotes the slip
  /^CONTRIBUTING\.md:.*"X is no Y"/,
]

/** Tests, scripts: titles count, the rest is for those who read it anyway. */
const isTest = /^(?:test|bench)\//
const isTitle = /^\S+: *(?:describe|it|test)(?:\.\w+)?\(|^\S+: *'[^']*', *(?:async )?\(/

const files = execaSync('git', ['ls-files', 'src', 'commands', 'bin', 'test', 'docs', '*.md'])
  .stdout.split('\n')
  .filter((name) => /\.(?:ts|js|mjs|md)$/.test(name))

it.each(slips)('%s is not written: %s', (slip, instead) => {
  const found = files.flatMap((name) =>
    readFileSync(name, 'utf8')
      .split('\n')
      .map((line, index) => `${name}:${index + 1}: ${line.trim()}`)
      .filter((line) => slip.test(line.replace(/^\S+ /, '')))
      .filter((line) => !exceptions.some((exception) => exception.test(line)))
      .filter((line) => !isTest.test(line) || isTitle.test(line)),
  )
  expect(found, `write: ${instead}`).toEqual([])
})
