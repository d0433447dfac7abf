package dev.gatun.fuzz;

import dev.gatun.offload.CacheShape;
import dev.gatun.offload.PolicyKind;
import dev.gatun.offload.RoutingTrace;
import dev.gatun.offload.TraceException;
import dev.gatun.offload.TraceReader;
import dev.gatun.offload.TraceReplay;
import dev.gatun.offload.TraceWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;

/** A recording of routing, with guesses, which is then replayed. */
record TraceFormat() implements Format {
    private static final String FILE = "trace.jsonl";
    private static final int LAYERS = 3;
    private static final int EXPERTS = 4;
    private static final int TOKENS = 6;

    @Override
    public String name() {
        return "trace";
    }

    @Override
    public void write(Path folder, long seed) throws IOException {
        SequencedMap<String, Object> pass = new TreeMap<>(Map.of("hits", 3, "tokens", 1));
        int[][][] guesses = {{{0, 1, 2, 3}, {3, 2, 1, 0}}, {{1, 0, 3, 2}}, {}};
        try (TraceWriter writer =
                new TraceWriter(Files.newBufferedWriter(folder.resolve(FILE)), "small", LAYERS, EXPERTS, 2, 2)) {
            for (int token = 0; token < TOKENS; token++) {
                int[][] chosen = {{token % 4, (token + 1) % 4}, {0, 3}, {2, token % 2}};
                writer.token(token, chosen, new float[LAYERS][2], Optional.of(guesses), pass);
            }
        }
    }

    @Override
    public boolean damages(String file) {
        return true;
    }

    @Override
    public Mutation damage(String file) {
        Mutation lines = new LineMutation(Formats.json());
        return Mutation.oneOf(lines, lines, lines, new ByteMutation());
    }

    @Override
    public void use(Path folder) {
        RoutingTrace trace = TraceReader.read(folder.resolve(FILE));
        TraceReplay replay = new TraceReplay(trace);
        for (PolicyKind kind : PolicyKind.values()) {
            for (CacheShape.Sharing sharing : CacheShape.Sharing.values()) {
                replay.hitRatios(kind, sharing);
            }
        }
        trace.guesses().ifPresent(guesses -> {
            for (int ahead = 1; ahead <= guesses.layersAhead(); ahead++) {
                replay.worth(PolicyKind.LRU, 1, ahead, trace.experts());
            }
        });
    }

    @Override
    public boolean isRefusal(Throwable thrown) {
        return thrown instanceof TraceException;
    }
}
