/** Text to tokens and back: tokenizer, chat template, sampler, stop strings, incremental detokenizer. */
package dev.gatun.text;
