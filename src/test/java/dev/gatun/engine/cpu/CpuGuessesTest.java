package dev.gatun.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cpu.CpuLevel;
import dev.gatun.engine.Activations;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.OpenModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CpuGuessesTest {
    private static final int[] TOKENS = {1, 300, 17, 1999, 45, 600};
    private static final int LAYERS = 5;
    private static final int EXPERTS = 8;
    private static final int CHOSEN = 2;

    private static OpenModel open() {
        Path folder = Path.of(System.getProperty("gatun.demo"), "hqq-small");
        return OpenModel.open(
                folder, checkpoint -> new CpuBackend(checkpoint.config(), checkpoint.weights(), 2, CpuLevel.best()));
    }

    /** While nothing is added to the stream, a layer sees what the layers before saw. */
    @Test
    void guessesAreExactWhereTheStreamStaysTheSame() {
        try (OpenModel model = open()) {
            Map<Integer, int[]> chosen = new HashMap<>();
            Map<Integer, List<int[]>> guessed = new HashMap<>();
            model.backend().observe((layer, tokens, ids, weights) -> chosen.put(layer, ids));
            model.backend()
                    .observeGuesses(
                            (layer, ahead, tokens, ranking) -> guessed.computeIfAbsent(
                                            layer + ahead, later -> new ArrayList<>())
                                    .add(ranking),
                            LAYERS - 1);
            Activations stream = model.backend().embed(TOKENS);
            for (int layer = 0; layer < LAYERS; layer++) {
                model.backend().route(layer, stream);
            }
            for (int layer = 1; layer < LAYERS; layer++) {
                assertThat(guessed.get(layer)).hasSize(layer);
                for (int[] ranking : guessed.get(layer)) {
                    assertThat(first(ranking)).as("layer %d", layer).isEqualTo(chosen.get(layer));
                    requireRankings(ranking);
                }
            }
        }
    }

    private static int[] first(int[] ranking) {
        return IntStream.range(0, TOKENS.length * CHOSEN)
                .map(i -> ranking[i / CHOSEN * EXPERTS + i % CHOSEN])
                .toArray();
    }

    private static void requireRankings(int[] ranking) {
        assertThat(ranking).hasSize(TOKENS.length * EXPERTS);
        for (int token = 0; token < TOKENS.length; token++) {
            assertThat(Arrays.copyOfRange(ranking, token * EXPERTS, (token + 1) * EXPERTS))
                    .containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7);
        }
    }

    @Test
    void guessingChangesNoLogitsAndReachesNoFartherThanAsked() {
        try (OpenModel model = open()) {
            float[] before = logits(model);
            List<String> heard = new ArrayList<>();
            model.backend().observeGuesses((layer, ahead, tokens, ranking) -> heard.add(layer + "+" + ahead), 2);
            assertThat(logits(model)).isEqualTo(before);
            assertThat(heard).containsExactly("0+1", "0+2", "1+1", "1+2", "2+1", "2+2", "3+1");
        }
    }

    private static float[] logits(OpenModel model) {
        try (KvCache cache = model.backend().newKvCache(16, KvPrecision.F32)) {
            return model.feed(TOKENS, cache, 1, TOKENS.length);
        }
    }
}
