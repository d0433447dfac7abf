package dev.gatun.text.template;

/**
 * How much a template may still do: one unit a step, and one a character or element that it makes. So none runs forever
 * or fills the memory.
 */
final class Budget {
    private static final long UNITS = 1 << 25;

    private long left = UNITS;

    /** Uses up units before the work is done. */
    void spend(long units) {
        if (units > left) {
            throw new TemplateException("it does more than %d steps".formatted(UNITS));
        }
        left -= units;
    }
}
