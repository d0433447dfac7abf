package dev.gatun;

import static dev.gatun.DemoModel.greedy;
import static dev.gatun.DemoModel.sampled;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class SessionTest {
    private static final String PROMPT = "Once upon a time there was a little girl who";

    private Model model;
    private Session session;

    @BeforeEach
    void open() {
        model = DemoModel.open();
        session = model.newSession();
    }

    @AfterEach
    void close() {
        model.close();
    }

    @Test
    void tokensAreAPromptAsTheirTextIs() {
        try (Model model = DemoModel.open();
                Session written = model.newSession();
                Session counted = model.newSession()) {
            Generation text = written.generate("Once upon a time", DemoModel.greedy(10));
            int[] tokens = model.encodeBeginning("Once upon a time");
            Generation same = counted.generate(tokens, DemoModel.greedy(10), token -> {});
            assertThat(same.text()).isEqualTo(text.text());
            assertThat(same.statistics().promptTokens()).isEqualTo(tokens.length);
        }
    }

    @Test
    void tokensOutsideTheVocabularyAreRefused() {
        try (Model model = DemoModel.open();
                Session session = model.newSession()) {
            for (int token : new int[] {-1, model.vocabularySize()}) {
                assertThatThrownBy(() -> session.generate(new int[] {1, token}, DemoModel.greedy(1), heard -> {}))
                        .isInstanceOf(GatunException.class)
                        .hasMessageContaining(token + " is no token");
            }
            assertThat(session.length()).isZero();
        }
    }

    @Test
    void theSameSeedGivesTheSameText() {
        Generation first = session.generate(PROMPT, sampled(40, 7));
        try (Session other = model.newSession()) {
            assertThat(other.generate(PROMPT, sampled(40, 7)).text()).isEqualTo(first.text());
            assertThat(model.newSession().generate(PROMPT, sampled(40, 8)).text())
                    .isNotEqualTo(first.text());
        }
    }

    @Test
    void anUnsaidSeedIsToldAndReproducesTheText() {
        GenerationOptions unseeded = GenerationOptions.builtIn().withMaxTokens(30);
        Generation first = session.generate(PROMPT, unseeded);
        Generation again = model.newSession().generate(PROMPT, unseeded.withSeed(first.seed()));
        assertThat(again.text()).isEqualTo(first.text());
    }

    @Test
    void theTokensTogetherAreTheText() {
        StringBuilder heard = new StringBuilder();
        Generation generation = session.generate(PROMPT, sampled(60, 3), token -> heard.append(token.text()));
        assertThat(heard.toString()).isEqualTo(generation.text()).startsWith(" ");
        assertThat(generation.statistics().generatedTokens()).isEqualTo(60);
        assertThat(generation.stopReason()).isEqualTo(StopReason.MAX_TOKENS);
    }

    @Test
    void aStreamGivesWhatAListenerHears() {
        List<Token> heard = new ArrayList<>();
        session.generate(PROMPT, sampled(25, 5), heard::add);
        try (Session other = model.newSession();
                Stream<Token> stream = other.stream(PROMPT, sampled(25, 5))) {
            assertThat(stream.toList()).isEqualTo(heard);
        }
    }

    @Test
    void anAbandonedStreamLeavesTheSessionUsableOnceClosed() {
        try (Stream<Token> stream = session.stream(PROMPT, sampled(50, 1))) {
            assertThat(stream.limit(3).toList()).hasSize(3);
            assertThatThrownBy(() -> session.generate("more", greedy(1))).isInstanceOf(IllegalStateException.class);
        }
        assertThat(session.generate(" and", greedy(2)).statistics().generatedTokens())
                .isEqualTo(2);
    }

    @Test
    void goingOnIsTheSameAsGoingFarther() {
        String whole = session.generate(PROMPT, greedy(30)).text();
        try (Session other = model.newSession()) {
            String first = other.generate(PROMPT, greedy(10)).text();
            assertThat(first + other.generate("", greedy(20)).text()).isEqualTo(whole);
        }
    }

    @Test
    void rewindingForgetsExactlyTheLastTokens() {
        String first = session.generate(PROMPT, greedy(20)).text();
        int length = session.length();
        session.rewind(20);
        assertThat(session.length()).isEqualTo(length - 20);
        assertThat(session.generate("", greedy(20)).text()).isEqualTo(first);
        session.rewind(session.length());
        assertThat(session.length()).isZero();
        assertThat(session.generate(PROMPT, greedy(20)).text()).isEqualTo(first);
        assertThatThrownBy(() -> session.rewind(1_000_000)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aStopTextEndsTheTextAndIsNoPartOfIt() {
        String whole = session.generate(PROMPT, greedy(40)).text();
        String stop = whole.substring(20, 26);
        try (Session other = model.newSession()) {
            Generation stopped = other.generate(PROMPT, greedy(40).withStop(List.of(stop)));
            assertThat(stopped.text()).isEqualTo(whole.substring(0, whole.indexOf(stop)));
            assertThat(stopped.stopReason()).isEqualTo(StopReason.STOP_TEXT);
        }
    }

    @Test
    void aFullContextEndsTheGenerationAndHurtsNothing() {
        try (Session small = model.newSession(SessionOptions.defaults().withContextLength(32))) {
            Generation full = small.generate(PROMPT, greedy(0));
            assertThat(full.stopReason()).isEqualTo(StopReason.CONTEXT_FULL);
            assertThat(small.length()).isEqualTo(32);
            assertThatThrownBy(() -> small.generate("more", greedy(1)))
                    .isInstanceOf(GatunException.class)
                    .hasMessageContaining("context of 32");
            small.rewind(10);
            String tail = small.generate("", greedy(0)).text();
            assertThat(full.text()).endsWith(tail);
        }
    }

    @Test
    void aPromptThatDoesNotFitChangesNothing() {
        try (Session small = model.newSession(SessionOptions.defaults().withContextLength(32))) {
            assertThatThrownBy(() -> small.generate(PROMPT.repeat(10), greedy(1)))
                    .isInstanceOf(GatunException.class);
            assertThat(small.length()).isZero();
            assertThat(small.generate(PROMPT, greedy(2)).statistics().generatedTokens())
                    .isEqualTo(2);
        }
    }

    @Test
    void aCallThatFailsAtOnceChangesNothing() {
        assertThatThrownBy(() -> session.generate(PROMPT, null)).isInstanceOf(NullPointerException.class);
        assertThat(session.length()).isZero();
    }

    @Test
    void aPromptCancelledHalfWayCountsWhatWasDone() {
        GenerationListener impatient = new GenerationListener() {
            @Override
            public void token(Token token) {}

            @Override
            public void prompt(int processed, int total) {
                session.cancel();
            }
        };
        Generation generation = session.generate((PROMPT + " ").repeat(100), greedy(3), impatient);
        assertThat(generation.stopReason()).isEqualTo(StopReason.CANCELLED);
        assertThat(generation.statistics().promptTokens()).isEqualTo(512);
        assertThat(generation.statistics().promptRate()).isPositive();
        assertThat(generation.statistics().timeToFirstToken()).isZero();
    }

    @Test
    void cancellingFromAnotherThreadEndsTheGeneration() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        try (ExecutorService threads = Executors.newSingleThreadExecutor()) {
            Future<Generation> running =
                    threads.submit(() -> session.generate(PROMPT, sampled(0, 1), token -> begun.countDown()));
            begun.await();
            session.cancel();
            assertThat(running.get(30, TimeUnit.SECONDS).stopReason()).isEqualTo(StopReason.CANCELLED);
        }
        assertThat(session.generate("", greedy(1)).statistics().generatedTokens())
                .isEqualTo(1);
    }

    @Test
    void anInterruptEndsTheGenerationAndStaysSet() {
        Generation generation = session.generate(
                PROMPT, sampled(0, 1), token -> Thread.currentThread().interrupt());
        assertThat(generation.stopReason()).isEqualTo(StopReason.CANCELLED);
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void anExceptionOfTheListenerReachesTheCallerAndLeavesTheSessionUsable() {
        assertThatThrownBy(() -> session.generate(PROMPT, greedy(5), token -> {
                    throw new UnsupportedOperationException("no");
                }))
                .hasMessage("no");
        assertThat(session.generate("", greedy(1)).statistics().generatedTokens())
                .isEqualTo(1);
    }

    @Test
    void sessionsThatGenerateAtTheSameTimeDoNotDisturbEachOther() throws Exception {
        List<String> alone = List.of(text(11), text(12), text(13));
        try (ExecutorService threads = Executors.newFixedThreadPool(3)) {
            List<Future<String>> together = new ArrayList<>();
            for (int seed = 11; seed <= 13; seed++) {
                int mine = seed;
                together.add(threads.submit(() -> text(mine)));
            }
            for (int i = 0; i < together.size(); i++) {
                assertThat(together.get(i).get()).isEqualTo(alone.get(i));
            }
        }
    }

    private String text(long seed) {
        try (Session own = model.newSession()) {
            return own.generate(PROMPT, sampled(30, seed)).text();
        }
    }

    @Test
    void closingFromTheListenerEndsTheGeneration() {
        Generation generation = session.generate(PROMPT, sampled(0, 1), token -> session.close());
        assertThat(generation.stopReason()).isEqualTo(StopReason.CANCELLED);
        assertThatThrownBy(() -> session.generate("", greedy(1))).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void closingTheModelDuringGenerationsEndsThemAll() throws Exception {
        List<CountDownLatch> begun = List.of(new CountDownLatch(1), new CountDownLatch(1));
        try (ExecutorService threads = Executors.newFixedThreadPool(begun.size())) {
            List<Future<Generation>> running = new ArrayList<>();
            for (CountDownLatch first : begun) {
                Session own = model.newSession();
                running.add(threads.submit(() -> own.generate(PROMPT, sampled(0, 1), token -> first.countDown())));
            }
            for (CountDownLatch first : begun) {
                first.await();
            }
            model.close();
            for (Future<Generation> each : running) {
                assertThat(each.get(30, TimeUnit.SECONDS).stopReason()).isEqualTo(StopReason.CANCELLED);
            }
        }
        assertThatThrownBy(() -> model.newSession()).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aSecondTurnProcessesOnlyWhatIsNew() {
        String question = "Tell me a story about a fox and a crow.";
        Generation first = session.chat(question, greedy(24), token -> {});
        int before = session.length();
        Generation second = session.chat("Tell me more.", greedy(8), token -> {});
        assertThat(first.statistics().promptTokens()).isEqualTo(17);
        assertThat(second.statistics().promptTokens()).isLessThan(before);
        assertThat(session.conversation().stream().map(Message::role).collect(Collectors.joining(" ")))
                .isEqualTo("user assistant user assistant");
        assertThat(session.conversation().get(1).content()).isEqualTo(first.text());
    }

    @Test
    void progressOfTheOnlyPromptIsTold() {
        List<Integer> done = new ArrayList<>();
        GenerationListener listener = new GenerationListener() {
            @Override
            public void token(Token token) {}

            @Override
            public void prompt(int processed, int total) {
                assertThat(total).isGreaterThan(1024);
                done.add(processed);
            }
        };
        Generation generation = session.generate((PROMPT + " ").repeat(100), greedy(3), listener);
        assertThat(done)
                .startsWith(512, 1024)
                .endsWith(generation.statistics().promptTokens())
                .isSorted();
    }
}
