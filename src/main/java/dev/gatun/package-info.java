/** The API that people embed: open a model, open sessions on it, generate text. */
package dev.gatun;
