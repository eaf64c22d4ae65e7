import type {Slot} from '../../image/slot.js'
import type {Descriptor} from '../../oci/descriptor.js'
import type {Digest} from '../../oci/digest.js'

/** What can be said of something that a tag names, from its manifest and config alone. */
export type Subject = ImageSubject | IndexSubject | UnreadableSubject

/** An image, or another artifact that is made of layers. */
export interface ImageSubject {
  readonly kind: 'image'
  readonly digest: Digest
  readonly mediaType: string
  /** What it is when it is not a container image. */
  readonly artifactType: string | undefined
  readonly platform: string | undefined
  readonly created: string | undefined
  readonly author: string | undefined
  /** Of all layers, compressed, in bytes. */
  readonly size: number
  readonly layers: readonly SubjectLayer[]
  readonly slots: readonly Slot[]
  readonly labels: readonly (readonly [name: string, value: string])[]
  /** What is wrong with it: then the rest is what can be said nevertheless. */
  readonly fault: string | undefined
}

export interface SubjectLayer extends Descriptor {
  /** What made it, from the image's history. */
  readonly createdBy: string | undefined
  /** The slots that it is; equal layers may be several. */
  readonly slots: readonly string[]
}

/** Several manifests under one name. */
export interface IndexSubject {
  readonly kind: 'index'
  readonly digest: Digest
  readonly mediaType: string
  readonly children: readonly IndexChild[]
}

export interface IndexChild extends Descriptor {
  /** As the index states it. */
  readonly platform: string | undefined
}

export interface UnreadableSubject {
  readonly kind: 'unreadable'
  readonly digest: Digest | undefined
  readonly why: string
}
