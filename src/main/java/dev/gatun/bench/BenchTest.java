package dev.gatun.bench;

/**
 * One test of a benchmark.
 *
 * @param kind what is done
 * @param tokens how many tokens
 */
public record BenchTest(Kind kind, int tokens) {
    /** What a test does. */
    public enum Kind {
        /** Processes a prompt. */
        PROMPT("pp"),
        /** Generates tokens, one after the other. */
        GENERATE("tg");

        private final String prefix;

        Kind(String prefix) {
            this.prefix = prefix;
        }
    }

    public BenchTest {
        if (tokens <= 0) {
            throw new IllegalArgumentException("a test of " + tokens + " tokens");
        }
    }

    /** The name that llama-bench gave it: {@code pp512}, {@code tg128}. */
    public String label() {
        return kind.prefix + tokens;
    }

    /** The tokens of the sequence at its end. */
    int sequence() {
        return kind == Kind.PROMPT ? tokens + 1 : tokens + 2;
    }

    Measurement run(BenchSubject subject) {
        return switch (kind) {
            case PROMPT -> subject.prompt(tokens);
            case GENERATE -> subject.generate(tokens);
        };
    }
}
