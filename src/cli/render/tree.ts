import prettyBytes from 'pretty-bytes'
import type {TreeNode, TreeReferrer, TreeResult} from '../../operations/tree.js'
import {plainText} from './text/escape.js'

/** A tree: the image or index, its images, and below each what refers to it. */
export function renderTree(result: TreeResult): string {
  const children: Branch[] = [
    ...result.referrers.map(branchOf),
    ...result.images.map((node) => ({
      text: nodeText(node),
      children: node.referrers.map(branchOf),
    })),
  ]
  return [result.reference, ...linesOf(children, '')].map(plainText).join('\n')
}

interface Branch {
  readonly text: string
  readonly children: readonly Branch[]
}

function linesOf(branches: readonly Branch[], indent: string): readonly string[] {
  return branches.flatMap(({text, children}, at) => {
    const isLast = at === branches.length - 1
    const [head, below] = isLast ? ['└── ', '    '] : ['├── ', '│   ']
    return [`${indent}${head}${text}`, ...linesOf(children, `${indent}${below}`)]
  })
}

function nodeText({platform, digest}: TreeNode): string {
  return `${platform ?? 'image'} ${digest}`
}

function statusOf(verified: boolean | null): string {
  if (verified === null) return 'unverified'
  return verified ? 'verified' : 'NOT VERIFIED'
}

function branchOf(referrer: TreeReferrer): Branch {
  const {digest, artifactType, predicateType, size, signer, ours, elsewhere, kind, verified} =
    referrer
  const parts = [
    predicateType ?? artifactType,
    prettyBytes(size),
    signer === null ? '' : `by ${signer}, ${statusOf(verified)}`,
    ours ? 'written by inject' : '',
    kind === 'tag' ? 'under a tag' : kind === 'index' ? 'in the index' : '',
    elsewhere ? 'SAYS IT IS ABOUT ANOTHER MANIFEST' : '',
  ]
  const text = `${parts.filter(Boolean).join(', ')}: ${digest}`
  return {text, children: referrer.referrers.map(branchOf)}
}
