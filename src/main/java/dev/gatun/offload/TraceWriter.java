package dev.gatun.offload;

import java.io.IOException;
import java.io.Writer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;

/**
 * Writes a routing trace: JSON lines in UTF-8. The first line says what the trace is of:
 *
 * <pre>{@code
 * {"format":"gatun-routing","version":1,"model":"hqq-small","layers":5,"experts":8,"experts_per_token":2}
 * }</pre>
 *
 * Each line after it is one token, in the order in which they were processed, with the choices of all layers, the best
 * expert first, and their renormalised weights:
 *
 * <pre>{@code
 * {"position":17,"experts":[[3,1],[0,5],[7,2],[4,6],[1,0]],"weights":[[0.7,0.3],[0.5,0.5],[0.9,0.1],[0.6,0.4],[0.8,0.2]]}
 * }</pre>
 *
 * <p>Where guesses are recorded, the header has {@code layers_ahead} besides, and each token has {@code guesses}: for each
 * layer, and for each of the layers after it up to {@code layers_ahead}, all experts of that layer, ranked by what its router
 * would choose so early, the likeliest first. The last layer's array is empty.
 *
 * <p>Where experts are fetched, the line of the last token of each pass through the model has a {@code pass} besides, an
 * object with {@code tokens} and what fetching their experts cost.
 *
 * <p>{@code position} is the token's place in its session: it goes back where a session was rewound or another one began.
 * Readers ignore fields that they do not know.
 */
public final class TraceWriter implements AutoCloseable {
    static final String FORMAT = "gatun-routing";
    static final int VERSION = 1;

    private final Writer out;

    /**
     * Begins a trace without guesses.
     *
     * @param out is closed with this writer
     */
    public TraceWriter(Writer out, String model, int layers, int experts, int expertsPerToken) throws IOException {
        this(out, model, layers, experts, expertsPerToken, 0);
    }

    /**
     * Begins a trace.
     *
     * @param out is closed with this writer
     * @param layersAhead how far guesses go, fewer than {@code layers}; 0 for none
     */
    public TraceWriter(Writer out, String model, int layers, int experts, int expertsPerToken, int layersAhead)
            throws IOException {
        this.out = out;
        Map<String, Object> header = new LinkedHashMap<>();
        header.put("format", FORMAT);
        header.put("version", VERSION);
        header.put("model", model);
        header.put("layers", layers);
        header.put("experts", experts);
        header.put("experts_per_token", expertsPerToken);
        if (layersAhead > 0) {
            header.put("layers_ahead", layersAhead);
        }
        line(header);
    }

    /**
     * Writes a token's line.
     *
     * @param position of the token in its session
     * @param experts [layers][expertsPerToken]
     * @param weights likewise
     */
    public void token(int position, int[][] experts, float[][] weights) throws IOException {
        token(position, experts, weights, Optional.empty(), Map.of());
    }

    /**
     * Writes a token's line, with numbers about the tokens that went through the model together, of which it is the last.
     *
     * @param guesses [layers][layers ahead][experts], the last layers with fewer ahead; there if the trace began so
     * @param pass the numbers by name; none if it is empty
     */
    public void token(
            int position, int[][] experts, float[][] weights, Optional<int[][][]> guesses, Map<String, Object> pass)
            throws IOException {
        Map<String, Object> token = new LinkedHashMap<>();
        token.put("position", position);
        token.put("experts", experts);
        token.put("weights", weights);
        guesses.ifPresent(ranked -> token.put("guesses", ranked));
        if (!pass.isEmpty()) {
            token.put("pass", pass);
        }
        line(token);
    }

    private void line(Map<String, Object> object) throws IOException {
        out.write(JsonMapper.shared().writeValueAsString(object));
        out.write('\n');
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
