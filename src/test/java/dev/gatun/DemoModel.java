package dev.gatun;

import java.nio.file.Path;
import java.util.function.Function;

/** The demo model, for tests of what stands above the engine. */
final class DemoModel {
    static final Path FOLDER = Path.of(System.getProperty("gatun.demo"), "hqq-small");

    private DemoModel() {}

    static Model open() {
        return Model.open(
                FOLDER,
                ModelOptions.defaults().withBackend(BackendPreference.CPU).withThreads(2));
    }

    /** Opens the model and a session, and closes both. */
    static <T> T inSession(SessionOptions options, Function<Session, T> work) {
        try (Model model = open();
                Session session = model.newSession(options)) {
            return work.apply(session);
        }
    }

    static GenerationOptions greedy(int tokens) {
        return GenerationOptions.builtIn().withTemperature(0).withMaxTokens(tokens);
    }

    static GenerationOptions sampled(int tokens, long seed) {
        return GenerationOptions.builtIn().withMaxTokens(tokens).withSeed(seed).withIgnoreEnd(true);
    }
}
