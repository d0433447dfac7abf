package dev.gatun;

import dev.gatun.offload.TraceWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

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
 * {@code experts}, the best first, and one of their {@code weights}. Where guesses are recorded, the header has
 * {@code layers_ahead}, and each token has {@code guesses}: for each layer, and each layer after it that it guesses for, all
 * experts of that layer, the likeliest first. Where experts are fetched, the last token of each pass through the model has a
 * {@code pass} besides: {@code tokens}, and {@link OffloadStatistics#asMap}. One recorder serves the sessions of one model,
 * which must not generate at the same time.
 */
public final class RoutingRecorder implements RoutingListener, AutoCloseable {
    private final Path file;
    private final TraceWriter writer;
    private final int layersAhead;

    private RoutingRecorder(Path file, TraceWriter writer, int layersAhead) {
        this.file = file;
        this.writer = writer;
        this.layersAhead = layersAhead;
    }

    /**
     * Begins a recording without guesses; overwrites the file.
     *
     * @throws GatunException if it cannot be written
     */
    public static RoutingRecorder create(Path file, Model model) {
        return create(file, model, 0);
    }

    /**
     * Begins a recording; overwrites the file.
     *
     * @param layersAhead for how many layers ahead guesses are recorded; 0 for none, and no more than follow
     * @throws GatunException if it cannot be written; or if guesses are wanted and {@link Model#canGuessRouting} is false
     */
    public static RoutingRecorder create(Path file, Model model, int layersAhead) {
        int recorded = model.guessedLayers(layersAhead);
        try {
            return new RoutingRecorder(
                    file,
                    new TraceWriter(
                            Files.newBufferedWriter(file),
                            model.name(),
                            model.layers(),
                            model.expertsPerLayer(),
                            model.expertsPerToken(),
                            recorded),
                    recorded);
        } catch (IOException failure) {
            throw unwritable(file, failure);
        }
    }

    @Override
    public int layersAhead() {
        return layersAhead;
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
            boolean last = token == tokens.tokens() - 1;
            int index = token;
            Optional<int[][][]> guesses = tokens.guesses().map(all -> rankings(all, index, tokens.layers()));
            write(tokens.position() + token, experts, weights, guesses, last ? pass(tokens) : Map.of());
        }
    }

    private static int[][][] rankings(RoutedGuesses guesses, int token, int layers) {
        int[][][] rankings = new int[layers][][];
        for (int layer = 0; layer < layers; layer++) {
            rankings[layer] = new int[guesses.layersAhead(layer)][guesses.experts()];
            for (int ahead = 1; ahead <= rankings[layer].length; ahead++) {
                for (int rank = 0; rank < guesses.experts(); rank++) {
                    rankings[layer][ahead - 1][rank] = guesses.expert(token, layer, ahead, rank);
                }
            }
        }
        return rankings;
    }

    private static Map<String, Object> pass(RoutedTokens tokens) {
        Map<String, Object> numbers = new LinkedHashMap<>();
        tokens.offload().ifPresent(cost -> {
            numbers.put("tokens", tokens.tokens());
            numbers.putAll(cost.asMap());
        });
        return numbers;
    }

    private void write(
            int position, int[][] experts, float[][] weights, Optional<int[][][]> guesses, Map<String, Object> pass) {
        try {
            writer.token(position, experts, weights, guesses, pass);
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
