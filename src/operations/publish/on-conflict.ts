/**
 * What to do when somebody else moves a tag while we work: give up, or start again from the image
 * that is there now.
 */
export const conflictPolicies = ['fail', 'retry'] as const
export type ConflictPolicy = (typeof conflictPolicies)[number]
