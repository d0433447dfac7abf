package dev.gatun;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.offload.RoutingTrace;
import dev.gatun.offload.TraceReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
