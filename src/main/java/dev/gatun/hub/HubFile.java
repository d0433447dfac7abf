package dev.gatun.hub;

/**
 * A file as the hub lists it.
 *
 * @param path where it lies in the model's folder
 * @param size its bytes
 * @param hash of its content
 */
record HubFile(SafePath path, long size, ContentHash hash) {}
