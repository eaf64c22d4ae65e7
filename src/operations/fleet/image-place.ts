import type {ContentStore} from '../../store/content-store.js'
import type {StagedStore} from './staged-store.js'

/** Where the work on one image is done. */
export interface ImagePlace {
  /** Reads the vendor's image, and writes where the result goes. */
  readonly real: ContentStore
  readonly staged: StagedStore
  /** Where the vendor's image is; another store if the target is in another repository. */
  readonly source: ContentStore
  readonly isInPlace: boolean
}
