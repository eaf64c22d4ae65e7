import type {Digest} from '../../oci/digest.js'
import {type Reference, repositoryName} from '../../oci/reference.js'
import {finish} from '../../store/finishable.js'
import {createTargetStore} from '../../store/copy/target-store.js'
import {mountableFrom, openTarget, targetOf} from './places.js'
import {findDocument} from '../find/find-document.js'
import {type Output, outputsAt} from '../slot/outputs.js'
import {directoryFor} from '../slot/platform-directory.js'
import type {Ports} from '../../ports.js'

/** What `withTarget` has to know of an operation's options. */
export interface TargetOptions {
  readonly reference: Reference
  /** Where the result goes; `undefined`: to where the image is. */
  readonly to?: Reference | undefined
  readonly tags: readonly string[]
  readonly dryRun: boolean
  readonly noClobber: boolean
  readonly chunkSize?: number | undefined
  /** What is packed. */
  readonly directory?: string | undefined
  /** What the run writes besides the image. */
  readonly outputs?: readonly Output[] | undefined
}

/**
 * Runs an operation that makes an image out of another one, and lets the result go elsewhere: into
 * another repository or registry, a layout or an archive, with all that it needs. Layers are
 * mounted where that can be. What the work starts from, and what it is compared with, stays the
 * image in the reference; the tags are those in the target. Without `to` it is the operation alone.
 */
export async function withTarget<
  Options extends TargetOptions,
  Result extends {readonly reference: string | null; readonly digest: Digest | null},
>(
  operation: (options: Options, ports: Ports) => Promise<Result>,
  options: Options,
  ports: Ports,
): Promise<Result> {
  const {reference, to} = options
  if (!to) return operation(options, ports)
  const target = options.tags.length > 0 ? to : targetOf(to, reference)
  const outputs = [...(options.outputs ?? []), ...outputsAt(target)]
  // before a store is made inside it
  if (options.directory !== undefined) directoryFor(options.directory, outputs)
  const source = await ports.openStore(reference, {writes: false})
  try {
    const {stored} = await findDocument(source, reference, ports)
    const store = await openTarget(target, options, ports)
    try {
      const both = createTargetStore(source, store, {
        mountFrom: mountableFrom(reference, target),
        onBytes: countBytes(store.name, ports),
      })
      const result = await operation(
        {
          ...options,
          outputs,
          // by its digest: the source's tag has nothing to do with the target's of the same name
          reference: pinned(reference, stored.descriptor.digest),
          tags: options.tags.length > 0 ? options.tags : [target.tag],
        },
        {...ports, report: elsewhere(store.name, ports), openStore: () => Promise.resolve(both)},
      )
      if (!options.dryRun) await finish(store, {signal: ports.signal})
      const {digest} = result
      return {...result, reference: digest && `${repositoryName(target)}@${digest}`}
    } finally {
      await store.close()
    }
  } finally {
    await source.close()
  }
}

/** Layers that have to be copied are a step of their own. */
function countBytes(on: string, {report}: Ports): (bytes: number) => void {
  let done = 0
  return (bytes) => {
    if (done === 0) report({kind: 'step', step: 'copy', on})
    report({kind: 'bytes', done: (done += bytes)})
  }
}

/** The image has been read already, and what is published is published elsewhere. */
function elsewhere(on: string, {report}: Ports): Ports['report'] {
  return (event) => {
    if (event.kind !== 'step') report(event)
    else if (event.step !== 'read image') report(event.step === 'publish' ? {...event, on} : event)
  }
}

function pinned(reference: Reference, digest: Digest): Reference {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- the rest is what is wanted
  const {tag, ...untagged} = reference
  return {...untagged, digest}
}
