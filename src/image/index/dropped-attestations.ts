import {attested, isOwnAttestation} from '../../oci/image-index.js'
import {allEntries, type IndexTree} from './index-tree.js'

/**
 * How many attestations of an index are not in another one that was made of it. One of ours that
 * another one of ours took the place of is not counted.
 */
export function droppedAttestations(before: IndexTree, after: IndexTree): number {
  const kept = new Set([...allEntries(after)].map(({digest}) => digest))
  const gone = attestationsIn(before).filter(({digest}) => !kept.has(digest))
  const own = gone.filter(isOwnAttestation).length
  const next = addedAttestations(before, after)
  return gone.length - own + Math.max(0, own - next)
}

/** How many attestations of ours an index has that another one, which it was made of, lacks. */
function addedAttestations(before: IndexTree, after: IndexTree): number {
  const known = new Set([...allEntries(before)].map(({digest}) => digest))
  return attestationsIn(after).filter(
    (entry) => isOwnAttestation(entry) && !known.has(entry.digest),
  ).length
}

function attestationsIn(tree: IndexTree) {
  return [...allEntries(tree)].filter((entry) => attested(entry) !== undefined)
}
