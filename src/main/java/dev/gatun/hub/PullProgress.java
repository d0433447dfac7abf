package dev.gatun.hub;

/**
 * How far a download is.
 *
 * @param files that are there and verified
 * @param allFiles that were asked for
 * @param bytes received, by earlier runs too
 * @param allBytes of all files
 */
public record PullProgress(int files, int allFiles, long bytes, long allBytes) {}
