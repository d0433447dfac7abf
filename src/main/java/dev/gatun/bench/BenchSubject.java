package dev.gatun.bench;

import java.util.List;

/**
 * What a benchmark measures: a model on a backend, with one sequence. One thread calls it, but for {@link #cancel}; whoever
 * made it closes it.
 */
public interface BenchSubject extends AutoCloseable {
    /** What it is, and where it runs. */
    BenchDescription description();

    /** Lines about what makes it slower than it could be; none as a rule. */
    List<String> notes();

    /** The most tokens that a sequence can hold. */
    int maxTokens();

    /**
     * Processes a prompt of so many tokens as a new sequence, and ends with the logits of its last token on the host, or with
     * the token that was chosen by them.
     */
    Measurement prompt(int tokens);

    /**
     * Generates so many tokens, one after the other, as a new sequence that begins with a prompt of one token; that one is
     * not measured.
     */
    Measurement generate(int tokens);

    /** Ends what is running as soon as can be; from any thread. What that returns is then worth nothing. */
    void cancel();

    /** Frees everything. */
    @Override
    void close();
}
