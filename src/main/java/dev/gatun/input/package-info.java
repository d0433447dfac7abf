/** What all readers of files that others made have in common: JSON by the letter, and messages that stay in their line. */
package dev.gatun.input;
