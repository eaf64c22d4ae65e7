/**
 * What to do when another client moves a tag during the run: fail, or start again from the image
 * that the tag names now.
 */
export const conflictPolicies = ['fail', 'retry'] as const
export type ConflictPolicy = (typeof conflictPolicies)[number]
