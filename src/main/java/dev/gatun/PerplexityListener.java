package dev.gatun;

/** Hears how far an evaluation is; called by the thread that evaluates. What it throws ends the evaluation. */
@FunctionalInterface
public interface PerplexityListener {
    /** Nobody. */
    PerplexityListener NONE = (soFar, windows) -> {};

    /**
     * A window is done.
     *
     * @param soFar the perplexity of the windows up to this one
     * @param windows how many there are in all
     */
    void evaluated(Perplexity soFar, int windows);
}
