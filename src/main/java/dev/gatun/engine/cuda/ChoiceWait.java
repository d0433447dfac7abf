package dev.gatun.engine.cuda;

import dev.gatun.engine.BackendFailureException;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;

/** Waits for what routers choose, not for the stream that they run in; but where that is idle nothing will come any more. */
final class ChoiceWait {
    private final ChoiceWords words;
    private final BooleanSupplier isIdle;
    private final IntConsumer meanwhile;
    private final int spinsPerLook;

    /**
     * Waits for nothing yet.
     *
     * @param isIdle whether everything that was put into the routers' stream has run
     * @param meanwhile is done again and again while a choice is awaited, with the chunk's sequence number
     * @param spinsPerLook after so many of these the stream is looked at, which takes longer
     */
    ChoiceWait(ChoiceWords words, BooleanSupplier isIdle, IntConsumer meanwhile, int spinsPerLook) {
        this.words = words;
        this.isIdle = isIdle;
        this.meanwhile = meanwhile;
        this.spinsPerLook = spinsPerLook;
    }

    /**
     * Waits until the choices of {@code tokens} tokens are there.
     *
     * @throws BackendFailureException if the stream is idle without them: what runs before the router has failed
     */
    void await(int layer, int tokens, int sequence) {
        for (int spins = 1; !words.isThere(layer, tokens, sequence); spins++) {
            meanwhile.accept(sequence);
            Thread.onSpinWait();
            if (spins % spinsPerLook == 0) {
                requireWorkInFlight(layer, tokens, sequence);
            }
        }
    }

    private void requireWorkInFlight(int layer, int tokens, int sequence) {
        // In this order: the router may end in between.
        if (isIdle.getAsBoolean() && !words.isThere(layer, tokens, sequence)) {
            throw new BackendFailureException("the router of layer " + layer + " published no choice");
        }
    }
}
