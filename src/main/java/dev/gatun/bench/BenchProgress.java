package dev.gatun.bench;

/** Hears how far long work has come. */
@FunctionalInterface
public interface BenchProgress {
    /**
     * Something begins.
     *
     * @param what a few words
     * @param done what was done before
     * @param total how much there is to do, in the same unit
     */
    void step(String what, long done, long total);
}
