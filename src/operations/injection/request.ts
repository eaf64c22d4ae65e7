import type {ImageRequest} from '../find/image-request.js'
import type {PublishRequest, TargetRequest} from '../publish/publish-request.js'
import type {LayerRequest} from '../slot/layer-request.js'

/** The options of a command that adds content to images. */
export interface InjectionRequest {
  readonly image: ImageRequest
  readonly target: TargetRequest
  readonly layer: LayerRequest
  readonly publish: PublishRequest
}
