package dev.gatun.text.template;

/**
 * How much a template may still do: one unit a step, and one a character or element that it makes. So none runs forever
 * or fills the memory.
 */
final class Budget {
    private static final long BASE_UNITS = 1 << 22;
    /** A template copies each message a few times: into strings, trimmed, into the output. */
    private static final long UNITS_PER_CHARACTER = 32;

    private final long units;
    private long left;

    /**
     * Begins a rendering.
     *
     * @param inputCharacters how long the messages are together
     */
    Budget(long inputCharacters) {
        this.units = BASE_UNITS + UNITS_PER_CHARACTER * inputCharacters;
        this.left = units;
    }

    /** Uses up units before the work is done. */
    void spend(long cost) {
        if (cost > left) {
            throw new TemplateException("it does more than %d steps".formatted(units));
        }
        left -= cost;
    }
}
