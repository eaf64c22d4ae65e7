import type {BlobSource, PutBlobOptions} from '../../store/content-store.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import type {UploadJournal} from '../../store/upload-journal.js'
import type {UploadContext} from './context.js'
import {createReplay} from './replay.js'
import {sendUpload} from './send-upload.js'
import type {PushSession} from './push-session.js'
import {usualChunk} from './strategy.js'

export interface SendPartsOptions extends Pick<PutBlobOptions, 'signal' | 'onRead'> {
  readonly journal?: UploadJournal | undefined
  /** The blob, if it is known beforehand. */
  readonly blob?: BlobInfo | undefined
  /** An open session to use first. */
  readonly session?: PushSession | undefined
}

/** The result of sending by PATCH; `blob` is what the source gives, in both cases. */
export interface SentParts {
  /** `refused`: the registry accepts no usable PATCH, and has nothing of the blob now. */
  readonly kind: 'stored' | 'refused'
  readonly blob: BlobInfo
}

/** Sends a blob by PATCH, if that is possible; finds out in any case what there is to send. */
export async function sendParts(
  context: UploadContext,
  source: BlobSource,
  {blob, session, journal, onRead, signal}: SendPartsOptions,
): Promise<SentParts> {
  const kept = Math.max(usualChunk, context.strategy.chunkSize)
  const {spare} = context
  const replay = createReplay(source, Math.min(kept, blob?.size ?? kept), {signal, spare})
  let isStored = false
  try {
    const sent = context.strategy.patch
      ? await sendUpload(context, {blob, session, journal, onRead, replay, signal})
      : undefined
    isStored = sent !== undefined
    if (sent) return {kind: 'stored', blob: sent}
    return {kind: 'refused', blob: blob ?? (await replay.measure())}
  } finally {
    await replay.close()
    // otherwise a connection that broke may still hold some of it
    if (isStored) replay.release()
  }
}
