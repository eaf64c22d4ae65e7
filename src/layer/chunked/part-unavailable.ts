/** Parts of a layer could not be read, or do not fit together; the layer itself may be sound. */
export class PartUnavailable extends Error {}
