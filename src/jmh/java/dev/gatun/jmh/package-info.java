/**
 * Benchmarks. They run from the test class path:
 *
 * <pre>{@code
 * mvn -q test-compile dependency:build-classpath -Dmdep.includeScope=test -Dmdep.outputFile=target/test-classpath
 * java -cp target/test-classes:target/classes:$(cat target/test-classpath) org.openjdk.jmh.Main MatvecBenchmark
 * }</pre>
 */
package dev.gatun.jmh;
