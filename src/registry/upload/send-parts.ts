import type {BlobSource, PutBlobOptions} from '../../store/content-store.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import type {UploadContext} from './context.js'
import {createReplay} from './replay.js'
import {sendUpload} from './send-upload.js'
import type {PushSession} from './push-session.js'
import {usualChunk} from './strategy.js'

export interface SendPartsOptions extends Pick<PutBlobOptions, 'signal' | 'journal' | 'onRead'> {
  /** What is sent, when that is known beforehand. */
  readonly blob?: BlobInfo | undefined
  /** A session to begin with. */
  readonly session?: PushSession | undefined
}

/** What came of sending by PATCH; `blob` is what the source gives, in both cases. */
export interface SentParts {
  /** `refused`: the registry takes no PATCH that would do, and has nothing of the blob now. */
  readonly kind: 'stored' | 'refused'
  readonly blob: BlobInfo
}

/** Sends a blob by PATCH, where that is possible; finds out in any case what there is to send. */
export async function sendParts(
  context: UploadContext,
  source: BlobSource,
  {blob, session, journal, onRead, signal}: SendPartsOptions,
): Promise<SentParts> {
  const kept = Math.max(usualChunk, context.strategy.chunkSize)
  const replay = createReplay(source, Math.min(kept, blob?.size ?? kept), {signal})
  try {
    const sent = context.strategy.patch
      ? await sendUpload(context, {blob, session, journal, onRead, replay, signal})
      : undefined
    if (sent) return {kind: 'stored', blob: sent}
    return {kind: 'refused', blob: blob ?? (await replay.measure())}
  } finally {
    await replay.close()
  }
}
