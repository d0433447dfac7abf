/** The command line: picocli commands that call {@code dev.gatun} and print; no logic of their own. */
package dev.gatun.cli;
