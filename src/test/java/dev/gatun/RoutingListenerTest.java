package dev.gatun;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.offload.RoutingGuesses;
import dev.gatun.offload.RoutingTrace;
import dev.gatun.offload.TraceReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RoutingListenerTest {
    private static final String PROMPT = "Once upon a time there was a king";

    @TempDir
    private Path temporary;

    private static List<RoutedTokens> listen(Model model, int tokens) {
        List<RoutedTokens> heard = new ArrayList<>();
        try (Session session = model.newSession(SessionOptions.defaults().withRoutingListener(heard::add))) {
            session.generate(PROMPT, DemoModel.greedy(tokens).withIgnoreEnd(true));
        }
        return heard;
    }

    @Test
    void everyTokenIsHeardOnceAndItsWeightsAddUp() {
        try (Model model = DemoModel.open()) {
            List<RoutedTokens> heard = listen(model, 10);
            int prompt = model.countTokens(PROMPT) + 1;
            assertThat(heard.getFirst().tokens()).isEqualTo(prompt);
            assertThat(heard).hasSize(10);
            int position = 0;
            for (RoutedTokens pass : heard) {
                assertThat(pass.position()).isEqualTo(position);
                assertThat(pass.layers()).isEqualTo(model.layers());
                assertThat(pass.expertsPerToken()).isEqualTo(model.expertsPerToken());
                requireChoices(pass, model.expertsPerLayer());
                position += pass.tokens();
            }
            assertThat(position).isEqualTo(prompt + 9);
        }
    }

    private static void requireChoices(RoutedTokens pass, int experts) {
        for (int token = 0; token < pass.tokens(); token++) {
            for (int layer = 0; layer < pass.layers(); layer++) {
                assertThat(pass.expert(token, layer, 0))
                        .isBetween(0, experts - 1)
                        .isNotEqualTo(pass.expert(token, layer, 1));
                assertThat(pass.weight(token, layer, 0)).isGreaterThanOrEqualTo(pass.weight(token, layer, 1));
                assertThat(pass.weight(token, layer, 0) + pass.weight(token, layer, 1))
                        .isCloseTo(1, within(1e-5f));
            }
        }
    }

    @Test
    void whatIsRecordedIsWhatWasHeard() {
        Path file = temporary.resolve("trace.jsonl");
        try (Model model = DemoModel.open()) {
            try (RoutingRecorder recorder = RoutingRecorder.create(file, model);
                    Session session = model.newSession(SessionOptions.defaults().withRoutingListener(recorder))) {
                session.generate(PROMPT, DemoModel.greedy(10).withIgnoreEnd(true));
            }
            RoutingTrace trace = TraceReader.read(file);
            int[] choice = new int[2];
            int token = 0;
            for (RoutedTokens pass : listen(model, 10)) {
                for (int i = 0; i < pass.tokens(); i++, token++) {
                    for (int layer = 0; layer < 5; layer++) {
                        trace.copyChoice(token, layer, choice);
                        assertThat(choice).containsExactly(pass.expert(i, layer, 0), pass.expert(i, layer, 1));
                    }
                }
            }
            assertThat(trace.tokens()).isEqualTo(token);
        }
    }

    /** Wants guesses, and keeps what it hears. */
    private record Guessing(int layersAhead, List<RoutedTokens> heard) implements RoutingListener {
        @Override
        public void routed(RoutedTokens tokens) {
            heard.add(tokens);
        }
    }

    @Test
    void eachListenerHearsAsManyLayersAheadAsItWants() {
        try (Model model = DemoModel.open()) {
            assertThat(model.canGuessRouting()).isTrue();
            List<RoutedTokens> before = listen(model, 3);
            for (int wanted : new int[] {1, 3, 2, 100}) {
                Guessing listener = new Guessing(wanted, new ArrayList<>());
                try (Session session =
                        model.newSession(SessionOptions.defaults().withRoutingListener(listener))) {
                    session.generate(PROMPT, DemoModel.greedy(3).withIgnoreEnd(true));
                }
                assertThat(listener.heard()).hasSize(3);
                listener.heard().forEach(pass -> requireGuesses(pass, Math.min(wanted, model.layers() - 1)));
                assertThat(choices(listener.heard())).isEqualTo(choices(before));
            }
            assertThat(listen(model, 3)).allMatch(pass -> pass.guesses().isEmpty());
            assertThatThrownBy(() -> model.newSession(
                            SessionOptions.defaults().withRoutingListener(new Guessing(-1, new ArrayList<>()))))
                    .isInstanceOf(GatunException.class)
                    .hasMessageStartingWith("guesses: ");
        }
    }

    private static void requireGuesses(RoutedTokens pass, int layersAhead) {
        RoutedGuesses guesses = pass.guesses().orElseThrow();
        assertThat(guesses.layersAhead()).isEqualTo(layersAhead);
        for (int layer = 0; layer < pass.layers(); layer++) {
            int ahead = guesses.layersAhead(layer);
            assertThat(ahead).isEqualTo(Math.min(layersAhead, pass.layers() - 1 - layer));
            for (int token = 0; token < pass.tokens(); token++) {
                for (int distance = 1; distance <= ahead; distance++) {
                    Set<Integer> ranked = new HashSet<>();
                    for (int rank = 0; rank < guesses.experts(); rank++) {
                        ranked.add(guesses.expert(token, layer, distance, rank));
                    }
                    assertThat(ranked).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7);
                }
            }
            int at = layer;
            assertThatThrownBy(() -> guesses.expert(0, at, ahead + 1, 0)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    private static List<Integer> choices(List<RoutedTokens> passes) {
        List<Integer> all = new ArrayList<>();
        for (RoutedTokens pass : passes) {
            for (int i = 0; i < pass.tokens() * pass.layers() * pass.expertsPerToken(); i++) {
                int choice = i % pass.expertsPerToken();
                int layer = i / pass.expertsPerToken() % pass.layers();
                all.add(pass.expert(i / pass.expertsPerToken() / pass.layers(), layer, choice));
            }
        }
        return all;
    }

    @Test
    void guessesAreRecordedAsHeard() {
        Path file = temporary.resolve("trace.jsonl");
        try (Model model = DemoModel.open()) {
            Guessing listener = new Guessing(2, new ArrayList<>());
            try (RoutingRecorder recorder = RoutingRecorder.create(file, model, 2);
                    Session recorded =
                            model.newSession(SessionOptions.defaults().withRoutingListener(recorder));
                    Session heard = model.newSession(SessionOptions.defaults().withRoutingListener(listener))) {
                recorded.generate(PROMPT, DemoModel.greedy(5).withIgnoreEnd(true));
                heard.generate(PROMPT, DemoModel.greedy(5).withIgnoreEnd(true));
            }
            RoutingGuesses read = TraceReader.read(file).guesses().orElseThrow();
            assertThat(read.layersAhead()).isEqualTo(2);
            int token = 0;
            for (RoutedTokens pass : listener.heard()) {
                RoutedGuesses guesses = pass.guesses().orElseThrow();
                for (int i = 0; i < pass.tokens(); i++, token++) {
                    for (int rank = 0; rank < 8; rank++) {
                        assertThat(read.expert(token, 0, 1, rank)).isEqualTo(guesses.expert(i, 0, 1, rank));
                        assertThat(read.expert(token, 2, 2, rank)).isEqualTo(guesses.expert(i, 2, 2, rank));
                        assertThat(read.expert(token, 3, 1, rank)).isEqualTo(guesses.expert(i, 3, 1, rank));
                    }
                }
            }
            assertThat(read.tokens()).isEqualTo(token);
        }
    }

    @Test
    void sessionsThatDoNotListenAreNotHeardAndGenerateTheSame() {
        try (Model model = DemoModel.open()) {
            List<RoutedTokens> heard = new ArrayList<>();
            try (Session listening = model.newSession(SessionOptions.defaults().withRoutingListener(heard::add));
                    Session quiet = model.newSession()) {
                String text = quiet.generate(PROMPT, DemoModel.sampled(20, 3)).text();
                assertThat(heard).isEmpty();
                assertThat(listening.generate(PROMPT, DemoModel.sampled(20, 3)).text())
                        .isEqualTo(text);
                assertThat(heard).hasSize(20);
            }
        }
    }

    @Test
    void aListenerThatThrowsEndsTheGenerationAndMayCloseTheModel() {
        Model model = DemoModel.open();
        Session session = model.newSession(SessionOptions.defaults().withRoutingListener(tokens -> {
            if (tokens.position() > 0) {
                model.close();
                throw new IllegalArgumentException("enough");
            }
        }));
        assertThatThrownBy(() -> session.generate(PROMPT, DemoModel.greedy(10))).hasMessage("enough");
        assertThatThrownBy(model::newSession).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aFileThatCannotBeWrittenIsRefusedInOneLine() {
        try (Model model = DemoModel.open()) {
            assertThatThrownBy(() -> RoutingRecorder.create(temporary.resolve("no/where"), model))
                    .isInstanceOf(GatunException.class)
                    .hasMessageStartingWith("trace: ")
                    .hasMessageEndingWith("there is no such folder");
        }
    }
}
