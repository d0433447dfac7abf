/** Unpacks, verifies and loads the native libraries; the first thing any wrapper of one touches. */
package dev.gatun.natives;
