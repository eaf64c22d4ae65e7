import type {Image} from './image.js'

/**
 * The labels of an image's config. A map, because any text can be a label, the names of what
 * objects inherit among them.
 */
export function labelsOf({config}: Pick<Image, 'config'>): Map<string, string> {
  return new Map(Object.entries(config.value.config?.Labels ?? {}))
}

/** The same, and the annotations of the manifest, which count where both are there. */
export function labelsAndAnnotations(image: Image): Map<string, string> {
  const annotations = Object.entries(image.manifest.value.annotations ?? {})
  return new Map([...labelsOf(image), ...annotations])
}
