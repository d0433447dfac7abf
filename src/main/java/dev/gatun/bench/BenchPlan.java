package dev.gatun.bench;

import dev.gatun.GatunException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a benchmark does.
 *
 * @param tests in this order
 * @param repetitions of each test
 * @param warmUp tokens that are generated before a test of generation, so that caches hold what they will hold; before a test
 *     of a prompt, that prompt is processed once unless this is 0
 */
public record BenchPlan(List<BenchTest> tests, int repetitions, int warmUp) {
    /** The most repetitions. */
    public static final int MOST_REPETITIONS = 1000;

    /** The most tokens of a test or a warm-up: more than any model's context. */
    public static final int MOST_TOKENS = 1 << 24;

    public BenchPlan {
        tests = List.copyOf(tests);
    }

    /**
     * Makes a plan of lists as users give them; a 0 in a list means no test.
     *
     * @throws GatunException if a number is out of range, or there is nothing to do
     */
    public static BenchPlan of(List<Integer> prompts, List<Integer> generations, int repetitions, int warmUp) {
        List<BenchTest> tests = Stream.concat(
                        tests("prompt", BenchTest.Kind.PROMPT, prompts),
                        tests("generate", BenchTest.Kind.GENERATE, generations))
                .toList();
        if (tests.isEmpty()) {
            throw new GatunException("tests: there are none; name tokens with --prompt or --generate");
        }
        if (repetitions < 1 || repetitions > MOST_REPETITIONS) {
            throw new GatunException("repetitions: " + repetitions + " is not between 1 and " + MOST_REPETITIONS);
        }
        if (warmUp < 0 || warmUp > MOST_TOKENS) {
            throw new GatunException("warm-up: " + warmUp + " is not between 0 and " + MOST_TOKENS);
        }
        return new BenchPlan(tests, repetitions, warmUp);
    }

    private static Stream<BenchTest> tests(String option, BenchTest.Kind kind, List<Integer> tokens) {
        tokens.stream()
                .filter(count -> count < 0 || count > MOST_TOKENS)
                .findFirst()
                .ifPresent(wrong -> {
                    throw new GatunException(option + ": " + wrong + " tokens are not between 0 and " + MOST_TOKENS);
                });
        return tokens.stream().filter(count -> count > 0).map(count -> new BenchTest(kind, count));
    }

    /** What is run before a test and not counted. */
    Optional<BenchTest> warmUp(BenchTest test) {
        if (warmUp == 0) {
            return Optional.empty();
        }
        return Optional.of(
                test.kind() == BenchTest.Kind.PROMPT ? test : new BenchTest(BenchTest.Kind.GENERATE, warmUp));
    }

    /** Runs of all tests, warm-ups included. */
    int steps() {
        return tests.size() * (repetitions + (warmUp == 0 ? 0 : 1));
    }

    /** The most tokens that a sequence comes to have. */
    public int longestSequence() {
        return tests.stream()
                .flatMap(test -> Stream.concat(Stream.of(test), warmUp(test).stream()))
                .mapToInt(BenchTest::sequence)
                .max()
                .orElse(0);
    }
}
