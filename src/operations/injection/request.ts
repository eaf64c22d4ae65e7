import {type ImageRequest, originName} from '../find/image-request.js'
import type {PublishRequest, TargetRequest} from '../publish/publish-request.js'
import type {LayerRequest} from '../slot/layer-request.js'

/** The options of a command that adds content to images. */
export interface InjectionRequest {
  readonly image: ImageRequest
  readonly target: TargetRequest
  readonly layer: LayerRequest
  readonly publish: PublishRequest
}

/** The request for images that remember that they come from the place that it names. */
export function withOrigin<Request extends InjectionRequest>(request: Request): Request {
  const {image} = request
  return {...request, image: {...image, origin: originName(image.reference)}}
}
