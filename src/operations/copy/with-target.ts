import {descriptorOf} from '../../image/document.js'
import type {Digest} from '../../oci/digest.js'
import {type Reference, repositoryName} from '../../oci/names/reference.js'
import {createTargetStore} from '../../store/copy/target-store.js'
import {finish} from '../../store/finishable.js'
import type {Ports} from '../../ports.js'
import {defaultTag, findDocument} from '../find/find-document.js'
import type {TagRequest, Workplace} from '../publish/until-settled.js'
import {mountableFrom, openTarget, targetOf} from './places.js'

/** The result of an operation that makes one image out of another. */
interface MadeImage {
  readonly reference: string | null
  readonly digest: Digest | null
}

/**
 * Opens the store that an operation works on, and closes it afterwards. With `to`, the result goes
 * to another repository, registry, layout or archive, together with everything that it needs.
 * Layers are mounted where possible. The work still starts from, and is compared with, the image in
 * the reference, but the tags are those in the target.
 */
export async function withTarget<Request extends TagRequest, Result extends MadeImage>(
  request: Request,
  ports: Ports,
  work: (place: Workplace<Request>) => Promise<Result>,
): Promise<Result> {
  const {to} = request.target
  return to ? workElsewhere(request, to, ports, work) : workInPlace(request, ports, work)
}

async function workInPlace<Request extends TagRequest, Result>(
  request: Request,
  ports: Ports,
  work: (place: Workplace<Request>) => Promise<Result>,
): Promise<Result> {
  const {dryRun, chunkSize} = request.publish
  const store = await ports.openStore(request.image.reference, {writes: !dryRun, chunkSize})
  try {
    return await work({store, request, ports})
  } finally {
    await store.close()
  }
}

async function workElsewhere<Request extends TagRequest, Result extends MadeImage>(
  request: Request,
  to: Reference,
  ports: Ports,
  work: (place: Workplace<Request>) => Promise<Result>,
): Promise<Result> {
  const {image, target: wanted, publish} = request
  const target = wanted.tags.length > 0 ? to : targetOf(to, image.reference)
  const source = await ports.openStore(image.reference, {writes: false})
  try {
    const found = await findDocument(source, image.reference, ports)
    const store = await openTarget(target, publish, ports)
    try {
      // by digest, because a tag of the source is unrelated to a tag of the same name in the target
      const reference = pinned(image.reference, descriptorOf(found).digest)
      const tags = wanted.tags.length > 0 ? wanted.tags : [target.tag ?? defaultTag]
      const result = await work({
        store: createTargetStore(source, store, {
          mountFrom: mountableFrom(image.reference, target),
          onBytes: countBytes(store.name, ports),
        }),
        request: {...request, image: {...image, reference}, target: {...wanted, tags}},
        start: {...found, tag: undefined},
        ports: {...ports, report: elsewhere(store.name, ports)},
      })
      if (!publish.dryRun) await finish(store, {signal: ports.signal})
      const {digest} = result
      return {...result, reference: digest && `${repositoryName(target)}@${digest}`}
    } finally {
      await store.close()
    }
  } finally {
    await source.close()
  }
}

/** Reports layers that have to be copied as a step of their own. */
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
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- left out of the rest
  const {tag, ...untagged} = reference
  return {...untagged, digest}
}
