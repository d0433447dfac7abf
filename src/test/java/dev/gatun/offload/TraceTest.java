package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.offload.CacheShape.Sharing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TraceTest {
    private static final String HEADER =
            "{\"format\":\"gatun-routing\",\"version\":1,\"model\":\"m\",\"layers\":2,\"experts\":4,\"experts_per_token\":2}";

    private static final String AHEAD = HEADER.replace("}", ",\"layers_ahead\":1}");

    @TempDir
    private Path temporary;

    private static RoutingTrace random(long seed, int layers, int experts, int topK, int tokens) {
        Random random = new Random(seed);
        int[] chosen = IntStream.range(0, tokens * layers)
                .flatMap(layer -> IntStream.of(RandomScheduler.choice(random, experts, topK)))
                .toArray();
        return new RoutingTrace("random", layers, experts, topK, chosen);
    }

    @Test
    void whatIsWrittenIsRead() throws IOException {
        Path file = temporary.resolve("trace.jsonl");
        RoutingTrace trace = random(3, 3, 8, 2, 50);
        try (TraceWriter writer = new TraceWriter(Files.newBufferedWriter(file), "a \"model\"", 3, 8, 2)) {
            for (int token = 0; token < 50; token++) {
                int[][] experts = new int[3][2];
                for (int layer = 0; layer < 3; layer++) {
                    trace.copyChoice(token, layer, experts[layer]);
                }
                Map<String, Object> pass = token % 3 == 0 ? Map.of("tokens", 3, "hits", 7L) : Map.of();
                writer.token(token, experts, new float[3][2], Optional.empty(), pass);
            }
        }
        assertThat(Files.readAllLines(file))
                .filteredOn(line -> line.contains("\"hits\":7"))
                .hasSize(17);
        RoutingTrace read = TraceReader.read(file);
        assertThat(read.model()).isEqualTo("a \"model\"");
        assertThat(read.tokens()).isEqualTo(50);
        assertThat(uses(read)).isEqualTo(uses(trace));
    }

    @Test
    void guessesThatAreWrittenAreRead() throws IOException {
        Path file = temporary.resolve("trace.jsonl");
        Random random = new Random(11);
        int[][][][] written = new int[20][][][];
        try (TraceWriter writer = new TraceWriter(Files.newBufferedWriter(file), "m", 4, 8, 2, 2)) {
            for (int token = 0; token < 20; token++) {
                written[token] = new int[][][] {
                    {ranking(random), ranking(random)}, {ranking(random), ranking(random)}, {ranking(random)}, {}
                };
                int[][] experts = {{0, 1}, {2, 3}, {4, 5}, {6, 7}};
                writer.token(token, experts, new float[4][2], Optional.of(written[token]), Map.of());
            }
        }
        RoutingGuesses read = TraceReader.read(file).guesses().orElseThrow();
        assertThat(read.tokens()).isEqualTo(20);
        assertThat(read.layersAhead()).isEqualTo(2);
        for (int token = 0; token < 20; token++) {
            for (int layer = 0; layer < 3; layer++) {
                for (int ahead = 1; ahead <= RoutingGuesses.following(layer, 4, 2); ahead++) {
                    for (int rank = 0; rank < 8; rank++) {
                        int expert = written[token][layer][ahead - 1][rank];
                        assertThat(read.expert(token, layer, ahead, rank)).isEqualTo(expert);
                        assertThat(read.rankOf(token, layer, ahead, expert)).isEqualTo(rank);
                    }
                }
            }
        }
    }

    private static int[] ranking(Random random) {
        return RandomScheduler.choice(random, 8, 8);
    }

    /** The fields are optional, and those of a later version are skipped. */
    @Test
    void aFileWithoutGuessesIsReadAsBefore() throws IOException {
        Path file = temporary.resolve("old.jsonl");
        Files.writeString(file, HEADER + "\n{\"position\":0,\"experts\":[[0,1],[3,2]],\"guesses\":17,\"more\":true}\n");
        RoutingTrace trace = TraceReader.read(file);
        assertThat(uses(trace)).containsExactly(0, 1, 4 + 3, 4 + 2);
        assertThat(trace.guesses()).isEmpty();
    }

    private static List<Integer> uses(RoutingTrace trace) {
        List<Integer> uses = new java.util.ArrayList<>();
        trace.forEachUse((use, expert) -> uses.add(expert));
        return uses;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', textBlock = """
            nothing                                                     | line 1: it is no routing trace, or one that was cut off (no JSON)
            []                                                          | line 1: it is no routing trace (no JSON object)
            {}                                                          | line 1: it is no routing trace
            {"format":"gatun-routing","version":2}                      | version is 2
            {"format":"gatun-routing","version":1,"layers":0}           | `layers`
            {"format":"gatun-routing","version":1,"layers":1,"experts":4,"experts_per_token":5} | `experts_per_token`
            {"format":"gatun-routing","version":1,"layers":1e400}       | `layers` must be a whole number from 1 to 1024
            HEADER                                                      | it holds no token
            HEADER {"position":0,"experts":[[0,1]]}                     | line 2: `experts` must be an array of 2
            HEADER {"position":0,"experts":[[0,1],[0]]}                 | arrays of 2
            HEADER {"position":0,"experts":[[0,1],[0,4]]}               | from 0 to 3
            HEADER {"position":0,"experts":[[0,1],[0,-1]]}              | from 0 to 3
            HEADER {"position":0,"experts":[[0,1],[0,1.5]]}             | from 0 to 3
            HEADER {"position":0,"experts":[[0,1],[2,2]]}               | chosen twice
            HEADER {"position":-1,"experts":[[0,1],[0,1]]}              | `position`
            HEADER {"position":0,"experts":[[0,1],[0,1]]} {"pos         | line 3: it is no routing trace
            AHEAD {"position":0,"experts":[[0,1],[0,1]]}                | line 2: `guesses` must be an array of 2
            AHEAD {"position":0,"experts":[[0,1],[0,1]],"guesses":[[],[]]} | `guesses` of layer 0 must be for 1 layers
            AHEAD {"position":0,"experts":[[0,1],[0,1]],"guesses":[[[0,1,2,3]],[[0,1,2,3]]]} | `guesses` of layer 1
            AHEAD {"position":0,"experts":[[0,1],[0,1]],"guesses":[[[0,1,2]],[]]}   | must rank 4 experts
            AHEAD {"position":0,"experts":[[0,1],[0,1]],"guesses":[[[0,1,2,4]],[]]} | from 0 to 3
            AHEAD {"position":0,"experts":[[0,1],[0,1]],"guesses":[[[0,1,2,"3"]],[]]} | from 0 to 3
            AHEAD {"position":0,"experts":[[0,1],[0,1]],"guesses":[[[0,1,2,2]],[]]} | guessed twice
            {"format":"gatun-routing","version":1,"layers":2,"experts":4,"experts_per_token":2,"layers_ahead":2} | `layers_ahead`
            {"format":"gatun-routing","version":1,"layers":2,"experts":4,"experts_per_token":2,"layers_ahead":0} | `layers_ahead`
            """)
    void aBadFileIsRefusedInOneLine(String content, String complaint) throws IOException {
        Path file = temporary.resolve("bad.jsonl");
        Files.writeString(
                file, content.replace("HEADER", HEADER).replace("AHEAD", AHEAD).replace(" {\"pos", "\n{\"pos"));
        assertThatThrownBy(() -> TraceReader.read(file))
                .isInstanceOf(TraceException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining(complaint)
                .message()
                .doesNotContain("\n");
        assertThatThrownBy(() -> TraceReader.read(temporary.resolve("none"))).hasMessageContaining("no such file");
    }

    @Test
    void aLineWithoutEndIsNotReadWhole() throws IOException {
        Path file = temporary.resolve("endless.jsonl");
        Files.writeString(file, HEADER + "\n" + " ".repeat((1 << 24) + 1));
        assertThatThrownBy(() -> TraceReader.read(file))
                .isInstanceOf(TraceException.class)
                .hasMessageEndingWith("line 2: it is no routing trace (a line is longer than 16777216 characters)");
    }

    @Test
    void uniformRoutingHitsByChanceUnderEveryPolicy() {
        TraceReplay replay = new TraceReplay(random(7, 4, 8, 2, 6000));
        for (PolicyKind kind : List.of(PolicyKind.LRU, PolicyKind.FIFO, PolicyKind.LFU, PolicyKind.FIXED)) {
            for (Sharing sharing : Sharing.values()) {
                List<Double> ratios = replay.hitRatios(kind, sharing);
                assertThat(ratios.get(3)).as("%s %s", kind, sharing).isCloseTo(0.5, within(0.06));
                assertThat(ratios.get(7)).isEqualTo(1);
            }
        }
    }

    /** In a pool the experts of the layer that comes next are always the least recent ones. */
    @Test
    void leastRecentlyUsedHitsMoreWithSlotsForEachLayerThanWithAPool() {
        TraceReplay replay = new TraceReplay(random(9, 32, 8, 2, 600));
        for (int slots : new int[] {96, 128, 146, 200}) {
            CacheShape each = new CacheShape(32, 8, slots, 4, Sharing.PER_LAYER);
            CacheShape pool = new CacheShape(32, 8, slots, 4, Sharing.POOL);
            assertThat(replay.counts(PolicyKind.LRU, each).hitRatio())
                    .isGreaterThan(replay.counts(PolicyKind.LRU, pool).hitRatio() + 0.02);
        }
    }

    @Test
    // Two slots hold what was asked for last, whoever decides.
    void theFutureBeatsThePast() {
        TraceReplay replay = new TraceReplay(random(8, 2, 8, 2, 2000));
        for (Sharing sharing : Sharing.values()) {
            List<Double> best = replay.hitRatios(PolicyKind.BEST, sharing);
            List<Double> lru = replay.hitRatios(PolicyKind.LRU, sharing);
            for (int slots = 3; slots < 8; slots++) {
                assertThat(best.get(slots - 1)).isGreaterThan(lru.get(slots - 1) + 0.05);
            }
        }
    }

    @Test
    void countsAreThoseWorkedOutByHand() {
        // One layer, top-1, two slots; the first half warms: resident 0 and 1.
        RoutingTrace trace = new RoutingTrace("hand", 1, 4, 1, new int[] {0, 1, 0, 1, /* counted */ 2, 1, 0, 1});
        CacheShape shape = new CacheShape(1, 4, 2, 1, Sharing.PER_LAYER);
        TraceReplay replay = new TraceReplay(trace);
        // 2 evicts 0; 1 hits; 0 evicts 2; 1 hits.
        assertThat(replay.counts(PolicyKind.LRU, shape)).isEqualTo(new CacheCounts(2, 0, 2, 2, 2, 0));
        // 2 evicts 0, the older; 1 hits; 0 evicts 1; 1 evicts 2.
        assertThat(replay.counts(PolicyKind.FIFO, shape)).isEqualTo(new CacheCounts(1, 0, 3, 3, 3, 0));
        // 0 and 1 are placed; 2 goes to staging.
        assertThat(replay.counts(PolicyKind.FIXED, shape)).isEqualTo(new CacheCounts(3, 0, 1, 0, 1, 0));
    }

    @Test
    void thePageHoldsAPicturePerPlotALineForEachCurveAndNothingFromElsewhere() {
        String page = CurvePage.of(
                "a <model>",
                List.of(
                        new CurvePage.Plot(
                                "slots",
                                "hits",
                                List.of(
                                        new CurvePage.Curve("lru", false, 0, List.of(0.25, 0.5, 1.0)),
                                        new CurvePage.Curve("fifo", true, 1, List.of(0.0, 0.5, 1.0)))),
                        new CurvePage.Plot(
                                "guesses",
                                "recall",
                                List.of(new CurvePage.Curve("1 layer ahead", false, 0, List.of(0.5, 1.0))))));
        assertThat(page).contains("a &lt;model&gt;").contains(">lru<").contains(">fifo<");
        assertThat(Pattern.compile("<polyline").matcher(page).results()).hasSize(3);
        assertThat(Pattern.compile("<svg .*?</svg>", Pattern.DOTALL)
                        .matcher(page)
                        .results())
                .hasSize(2);
        // 3 slots lie at 60 + 560 * slots / 3, ratios at 30 + 360 * (1 - ratio).
        assertThat(page).contains("points=\"246.7,300.0 433.3,210.0 620.0,30.0 \"");
        assertThat(page).contains("points=\"340.0,210.0 620.0,30.0 \"");
        assertThat(page).doesNotContain("http").doesNotContain("<script").endsWith("</svg>\n</body></html>\n");
    }
}
