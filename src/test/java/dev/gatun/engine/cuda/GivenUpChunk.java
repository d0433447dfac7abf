package dev.gatun.engine.cuda;

import dev.gatun.engine.Activations;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.OpenModel;
import dev.gatun.engine.Routing;

/** A chunk that nobody goes on with. */
final class GivenUpChunk {
    private GivenUpChunk() {}

    /** How many operations a chunk has before its head. */
    static int operations(OpenModel model) {
        return 3 * model.checkpoint().config().layers() + 1;
    }

    /** Embeds tokens, and goes on until so many operations were called. */
    static void run(OpenModel model, KvCache cache, int[] tokens, int operations) {
        Activations hidden = model.backend().embed(tokens);
        int left = operations - 1;
        for (int layer = 0; left > 0; layer++) {
            model.backend().attend(layer, hidden, cache);
            if (--left > 0) {
                Routing routing = model.backend().route(layer, hidden);
                if (--left > 0) {
                    model.backend().experts(layer, hidden, routing);
                    left--;
                }
            }
        }
    }
}
