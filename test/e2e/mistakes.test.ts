import {expect, it} from 'vitest'
import {mayMount} from '../support/may-mount.js'
import {make, makeDesk, mistakes} from '../support/mistakes.js'

const head = `# Typical mistakes

What \`inject\` says when something is wrong, from real runs: what failed, on what, why, and what to do next. Every error has a code, which \`--json\` prints:
[errors](errors.md) has all of them with cause and fix, [exit codes](exit-codes.md) the numbers.

This page is generated: \`npx vitest run --project e2e test/e2e/mistakes -u\` writes it. Names of hosts and folders stand for those of the run.
`

it.runIf(mayMount())(
  'docs/mistakes.md shows what typical mistakes lead to (needs root)',
  async () => {
    const desk = await makeDesk()
    const parts = [head]
    for (const mistake of await mistakes(desk)) {
      const shown = await make(mistake, desk)
      parts.push(`## ${mistake.title}\n\n\`\`\`console\n${shown}\n\`\`\`\n`)
    }
    await expect(parts.join('\n')).toMatchFileSnapshot('../../docs/mistakes.md')
  },
  240_000,
)
