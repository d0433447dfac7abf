/**
 * Benchmarks. {@code make bench} runs those that the machine can run and prints {@link dev.gatun.jmh.BenchmarkTable a table};
 * {@code make bench ARGS=…} passes JMH's own arguments on:
 *
 * <pre>{@code
 * make bench ARGS="MatvecBenchmark -p threads=all"
 * }</pre>
 *
 * <p>Benchmarks of a GPU's operations are in {@code dev.gatun.engine.cuda}, beside what they measure.
 */
package dev.gatun.jmh;
