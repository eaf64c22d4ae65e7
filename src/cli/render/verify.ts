import type {Claim} from '../../attest/claims.js'
import type {VerifyResult} from '../../operations/verify.js'
import {plainText} from './text/escape.js'

/** One line for each claim: whether it is proven, what it is about, and why. */
export function renderVerify({claims}: VerifyResult): string {
  const lines = claims.map((claim) => [stateOf(claim), claim.claim, whatOf(claim), claim.detail])
  const widths = [0, 1, 2].map((at) => Math.max(...lines.map((line) => (line[at] ?? '').length)))
  return lines
    .map((line) => line.map((cell, at) => plainText(cell).padEnd(widths[at] ?? 0)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n')
}

function stateOf({proven, needed}: Claim): string {
  if (proven) return 'proven'
  return needed ? 'NOT PROVEN' : 'not proven'
}

function whatOf({platform, subject}: Claim): string {
  return platform ?? `${subject.slice(0, 19)}…`
}
