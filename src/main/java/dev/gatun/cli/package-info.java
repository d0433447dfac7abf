/** The command line: picocli commands that call {@code dev.gatun} and the rooms below it, and print; no logic of their own. */
package dev.gatun.cli;
