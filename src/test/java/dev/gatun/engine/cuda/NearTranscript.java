package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.OpenModel;
import dev.gatun.engine.ReferenceSuite.Which;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What the quantized reference model says, for comparing where the host computes some of it. */
final class NearTranscript {
    private static final int CAPACITY = 512;

    /** Chunks that are computed token by token, and one whose experts are counted. */
    private static final int[] PROMPTS = {1, 7, 8, 9, 20};

    private static final int STEPS = 8;
    private static final int BEGINNING = 1;

    /**
     * By how much a logit may differ. The host rounds the experts' inputs to 15 bits and the device those of w2 and of prompts to
     * 11. An emulation has it below 0.009, whatever the precision of keys and values, where the host computes as much as it ever
     * does.
     */
    private static final double NEAR = 1e-2;

    private NearTranscript() {}

    /** As the other, with keys and values as generation has them. */
    static List<float[]> of(OpenModel model, List<float[]> path) {
        return of(model, path, KvPrecision.F16);
    }

    /** The logits of prompts and of what {@code path} says follows them; of the likeliest, where that is empty. */
    static List<float[]> of(OpenModel model, List<float[]> path, KvPrecision precision) {
        List<float[]> transcript = new ArrayList<>();
        int from = 0;
        for (int length : PROMPTS) {
            int[] prompt = Arrays.copyOfRange(text(), from, from + length);
            prompt[0] = BEGINNING;
            from += length;
            try (KvCache cache = model.backend().newKvCache(CAPACITY, precision)) {
                transcript.add(model.feed(cache, prompt));
                for (int step = 0; step < STEPS; step++) {
                    List<float[]> said = path.isEmpty() ? transcript : path;
                    int token = OpenModel.likeliest(said.get(transcript.size() - 1));
                    transcript.add(model.feed(cache, token));
                }
            }
        }
        return transcript;
    }

    static int[] text() {
        return Text.TOKENS.clone();
    }

    /** Read once: it is asked for a thousand times. */
    private static final class Text {
        private static final int[] TOKENS = read();

        private static int[] read() {
            try {
                return Which.QUANTIZED.folder().heldOut();
            } catch (IOException unreadable) {
                throw new UncheckedIOException(unreadable);
            }
        }
    }

    /** Requires that no logit differs by much. */
    static void require(List<float[]> actual, List<float[]> expected, String setting) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            double largest = 0;
            for (int id = 0; id < expected.get(i).length; id++) {
                largest = Math.max(largest, Math.abs(actual.get(i)[id] - expected.get(i)[id]));
            }
            assertThat(largest).as("logits %d of %s", i, setting).isLessThan(NEAR);
        }
    }
}
