/** Benchmarks of models, real ones and synthetic ones: what is measured, and beside it what the machine allows. */
package dev.gatun.bench;
