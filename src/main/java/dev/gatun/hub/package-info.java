/**
 * Models from a hub: downloads, and the cache folder that other programs share. The only room that talks to the network.
 *
 * <p>Nothing a server says is trusted: names are checked before they become paths, contents by their hashes before they get
 * their names, and the token is sent to the hub's own address alone.
 */
package dev.gatun.hub;
