package dev.gatun.engine.cuda;

import dev.gatun.engine.Logits;
import dev.gatun.engine.OpenModel;
import dev.gatun.engine.RoutingObserver;
import java.util.stream.IntStream;

/** All bits that a model gave back, in order. */
final class Transcript {
    private final OpenModel model;
    private final IntStream.Builder bits = IntStream.builder();

    Transcript(OpenModel model) {
        this.model = model;
    }

    OpenModel model() {
        return model;
    }

    int[] bits() {
        return bits.build().toArray();
    }

    /** Notes what a chunk computes, and returns it. */
    float[] await(Logits logits) {
        float[] values = new float[logits.rows() * model.checkpoint().config().vocabularySize()];
        model.backend().await(logits, values);
        return note(values);
    }

    float[] note(float[] values) {
        for (float value : values) {
            bits.add(Float.floatToRawIntBits(value));
        }
        return values;
    }

    void note(int... values) {
        for (int value : values) {
            bits.add(value);
        }
    }

    /** Notes what the backend chooses from now on. */
    RoutingObserver observer() {
        return (layer, tokens, ids, weights) -> {
            note(layer, tokens);
            note(ids);
            note(weights);
        };
    }
}
