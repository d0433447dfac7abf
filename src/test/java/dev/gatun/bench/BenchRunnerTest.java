package dev.gatun.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.GatunException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class BenchRunnerTest {
    private final FakeSubject subject = new FakeSubject(Optional.empty());
    private final AtomicBoolean stopped = new AtomicBoolean();
    private final List<String> steps = new ArrayList<>();

    private List<BenchResult> run(BenchPlan plan) {
        return new BenchRunner(
                        subject, plan, (what, done, total) -> steps.add(what + " " + done + "/" + total), stopped::get)
                .run();
    }

    private static BenchPlan plan(List<Integer> prompts, List<Integer> generations, int repetitions, int warmUp) {
        return BenchPlan.of(prompts, generations, repetitions, warmUp);
    }

    @Test
    void eachTestIsWarmedUpAndRepeated() {
        List<BenchResult> results = run(plan(List.of(50), List.of(8, 4), 2, 3));
        assertThat(subject.calls())
                .containsExactly(
                        "prompt 50",
                        "prompt 50",
                        "prompt 50",
                        "generate 3",
                        "generate 8",
                        "generate 8",
                        "generate 3",
                        "generate 4",
                        "generate 4");
        assertThat(results.stream().map(result -> result.test().label())).containsExactly("pp50", "tg8", "tg4");
        assertThat(results.getFirst().rates().values()).containsExactly(20.0, 30.0);
        assertThat(steps).hasSize(9).startsWith("warm-up 0/9", "pp50 1/9").endsWith("tg4 8/9");
    }

    @Test
    void withoutWarmingUpEveryRunCounts() {
        assertThat(run(plan(List.of(50, 0), List.of(0), 3, 0)))
                .singleElement()
                .satisfies(result -> assertThat(result.rates().values()).containsExactly(10.0, 20.0, 30.0));
        assertThat(steps).hasSize(3);
    }

    @Test
    void whatWasMeasuredBeforeItWasStoppedIsKept() {
        subject.during(() -> stopped.set(subject.calls().size() == 4));
        List<BenchResult> results = run(plan(List.of(), List.of(8, 4), 2, 0));
        assertThat(subject.calls()).hasSize(4);
        assertThat(results.stream().map(result -> result.rates().values()))
                .containsExactly(List.of(10.0, 20.0), List.of(30.0));
    }

    @Test
    void testsThatDoNotFitAreRefusedBeforeAnythingRuns() {
        assertThatThrownBy(() -> run(plan(List.of(100), List.of(), 1, 0)))
                .isInstanceOf(GatunException.class)
                .hasMessageContaining("need 101 tokens")
                .hasMessageContaining("holds 100");
        assertThat(subject.calls()).isEmpty();
        assertThat(run(plan(List.of(99), List.of(98), 1, 0))).hasSize(2);
    }

    @Test
    void warmingUpCountsForTheLengthOfSequences() {
        assertThat(plan(List.of(), List.of(8), 1, 64).longestSequence()).isEqualTo(66);
        assertThat(plan(List.of(512), List.of(8), 1, 64).longestSequence()).isEqualTo(513);
    }

    @Test
    void aPlanOfNothingOrLessIsRefused() {
        assertThatThrownBy(() -> plan(List.of(0), List.of(), 1, 0)).hasMessageContaining("tests: there are none");
        assertThatThrownBy(() -> plan(List.of(-1), List.of(), 1, 0)).hasMessageContaining("prompt: -1");
        assertThatThrownBy(() -> plan(List.of(), List.of(8, -4), 1, 0)).hasMessageContaining("generate: -4");
        assertThatThrownBy(() -> plan(List.of(1), List.of(), 0, 0)).hasMessageContaining("repetitions: 0");
        assertThatThrownBy(() -> plan(List.of(1), List.of(), 1, -1)).hasMessageContaining("warm-up: -1");
    }
}
