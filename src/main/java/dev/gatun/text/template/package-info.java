/**
 * The part of the Jinja language that chat templates use: lexer, parser, evaluator. What is not known throws; nothing
 * renders as something else than Jinja 2, as Hugging Face sets it up, would render it.
 */
package dev.gatun.text.template;
