package dev.gatun.fuzz;

import dev.gatun.BackendPreference;
import dev.gatun.GatunException;
import dev.gatun.Model;
import dev.gatun.ModelOptions;
import dev.gatun.Session;
import dev.gatun.SessionOptions;
import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.CheckpointException;
import dev.gatun.checkpoint.Inventory;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.quant.Dequantizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * The files of a model folder. One that opens is read whole and runs some tokens on the CPU; one that does not leaves no
 * file mapped.
 *
 * @param name its name here
 * @param folder what writes a good one
 * @param damaged which files of it are damaged
 * @param mutation how
 */
record ModelFormat(String name, SmallModel folder, Predicate<String> damaged, Mutation mutation) implements Format {
    private static final Path MAPPINGS = Path.of("/proc/self/maps");
    private static final int[] PROMPT = {1, 2};
    private static final int TOKENS = 3;
    private static final int CONTEXT = 8;

    @Override
    public void write(Path target, long seed) throws IOException {
        folder.write(target, seed);
    }

    @Override
    public boolean damages(String file) {
        return damaged.test(file);
    }

    @Override
    public Mutation damage(String file) {
        return mutation;
    }

    @Override
    public void use(Path target) throws IOException {
        try {
            try (Checkpoint checkpoint = Checkpoint.open(target)) {
                readEverything(checkpoint);
            }
            run(target);
        } finally {
            requireUnmapped(target);
        }
    }

    private static void readEverything(Checkpoint checkpoint) {
        ModelWeights weights = checkpoint.weights();
        Stream.of(weights.embeddings(), weights.finalNorm(), weights.head()).forEach(Dequantizer::toFloats);
        for (LayerWeights layer : weights.layers()) {
            Stream.of(layer.query(), layer.key(), layer.value(), layer.output(), layer.router())
                    .forEach(Dequantizer::toFloats);
            Stream.of(layer.attentionNorm(), layer.expertNorm()).forEach(Dequantizer::toFloats);
            layer.experts().stream()
                    .flatMap(expert -> Stream.of(expert.gate(), expert.up(), expert.down()))
                    .forEach(Dequantizer::toFloats);
        }
        Inventory.of(checkpoint);
        if (checkpoint.description().lines().count() != 1) {
            throw new AssertionError("a description of several lines: " + checkpoint.description());
        }
    }

    private static void run(Path target) {
        ModelOptions options =
                ModelOptions.defaults().withBackend(BackendPreference.CPU).withThreads(1);
        try (Model model = Model.open(target, options)) {
            int context = Math.min(CONTEXT, model.maxContextLength());
            // A context without room for one more token than the prompt is the caller's mistake, not the file's.
            int[] prompt = Arrays.copyOf(PROMPT, Math.min(PROMPT.length, context - 1));
            if (prompt.length > 0) {
                generate(model, context, prompt);
            }
        }
    }

    private static void generate(Model model, int context, int[] prompt) {
        try (Session session = model.newSession(SessionOptions.defaults().withContextLength(context))) {
            session.generate(
                    prompt,
                    model.defaultOptions().withMaxTokens(TOKENS).withSeed(1).withIgnoreEnd(true),
                    token -> {});
        }
    }

    private static void requireUnmapped(Path target) throws IOException {
        try (Stream<String> lines = Files.lines(MAPPINGS)) {
            List<String> left =
                    lines.filter(line -> line.contains(target.toString())).toList();
            if (!left.isEmpty()) {
                throw new AssertionError("files stay mapped: " + left);
            }
        }
    }

    @Override
    public boolean isRefusal(Throwable thrown) {
        return thrown instanceof CheckpointException || thrown instanceof GatunException;
    }

    @Override
    public String named(Path target) {
        return target.getFileName().toString();
    }
}
