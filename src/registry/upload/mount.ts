import type {CallOptions} from '../../store/content-store.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import type {UploadContext} from './context.js'
import type {PushSession} from './push-session.js'

/** The registry's answer to a request to mount a blob from another repository. */
export type Mounted =
  | {readonly kind: 'mounted'}
  /** It began an upload instead. */
  | {readonly kind: 'begun'; readonly session: PushSession}
  | {readonly kind: 'refused'}

/** Mounts a blob from the first of `repositories` that has it. Throws only after an abort. */
export async function mountBlob(
  {sessions}: UploadContext,
  {digest}: BlobInfo,
  repositories: readonly string[],
  {signal}: CallOptions,
): Promise<Mounted> {
  for (const repository of repositories) {
    try {
      const session = await sessions.mount(digest, repository, signal)
      return session ? {kind: 'begun', session} : {kind: 'mounted'}
    } catch {
      // registries refuse in many ways, and the bytes can always be sent instead
      signal?.throwIfAborted()
    }
  }
  return {kind: 'refused'}
}
