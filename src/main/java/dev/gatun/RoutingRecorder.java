package dev.gatun;

import dev.gatun.offload.TraceWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Records routing into a file, for {@code gatun trace} to replay:
 *
 * <pre>{@code
 * try (RoutingRecorder recorder = RoutingRecorder.create(Path.of("routing.jsonl"), model);
 *         Session session = model.newSession(SessionOptions.defaults().withRoutingListener(recorder))) {
 *     session.generate("Once upon a time", model.defaultOptions().withMaxTokens(500));
 * }
 * }</pre>
 *
 * <p>The file is UTF-8 text of JSON lines. The first one is a header with {@code format} ({@code "gatun-routing"}),
 * {@code version} (1), {@code model}, {@code layers}, {@code experts} and {@code experts_per_token}. Each one after it is a
 * token, in the order of processing, with its {@code position} in the session, and for each layer an array of the chosen
 * {@code experts}, the best first, and one of their {@code weights}. One recorder serves the sessions of one model, which
 * must not generate at the same time.
 */
public final class RoutingRecorder implements RoutingListener, AutoCloseable {
    private final Path file;
    private final TraceWriter writer;

    private RoutingRecorder(Path file, TraceWriter writer) {
        this.file = file;
        this.writer = writer;
    }

    /**
     * Begins a recording; overwrites the file.
     *
     * @throws GatunException if it cannot be written
     */
    public static RoutingRecorder create(Path file, Model model) {
        try {
            return new RoutingRecorder(
                    file,
                    new TraceWriter(
                            Files.newBufferedWriter(file),
                            model.name(),
                            model.layers(),
                            model.expertsPerLayer(),
                            model.expertsPerToken()));
        } catch (IOException failure) {
            throw unwritable(file, failure);
        }
    }

    @Override
    public void routed(RoutedTokens tokens) {
        int[][] experts = new int[tokens.layers()][tokens.expertsPerToken()];
        float[][] weights = new float[tokens.layers()][tokens.expertsPerToken()];
        for (int token = 0; token < tokens.tokens(); token++) {
            for (int layer = 0; layer < tokens.layers(); layer++) {
                for (int choice = 0; choice < tokens.expertsPerToken(); choice++) {
                    experts[layer][choice] = tokens.expert(token, layer, choice);
                    weights[layer][choice] = tokens.weight(token, layer, choice);
                }
            }
            write(tokens.position() + token, experts, weights);
        }
    }

    private void write(int position, int[][] experts, float[][] weights) {
        try {
            writer.token(position, experts, weights);
        } catch (IOException failure) {
            throw unwritable(file, failure);
        }
    }

    /**
     * Writes the rest and closes the file.
     *
     * @throws GatunException if it cannot be written
     */
    @Override
    public void close() {
        try {
            writer.close();
        } catch (IOException failure) {
            throw unwritable(file, failure);
        }
    }

    private static GatunException unwritable(Path file, IOException failure) {
        String reason =
                failure instanceof java.nio.file.NoSuchFileException ? "there is no such folder" : failure.getMessage();
        return new GatunException("trace: `" + file + "` cannot be written: " + reason, failure);
    }
}
