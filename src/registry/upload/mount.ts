import type {CallOptions} from '../../store/content-store.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import type {UploadContext} from './context.js'
import type {PushSession} from './push-session.js'

/** What a registry made of the wish to take a blob from another of its repositories. */
export type Mounted =
  | {readonly kind: 'mounted'}
  /** It began an upload instead. */
  | {readonly kind: 'begun'; readonly session: PushSession}
  | {readonly kind: 'refused'}

/** Takes a blob from the first of `repositories` that gives it. Throws for an abort only. */
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
      // refused in all sorts of ways, and never a reason not to send the bytes
      signal?.throwIfAborted()
    }
  }
  return {kind: 'refused'}
}
