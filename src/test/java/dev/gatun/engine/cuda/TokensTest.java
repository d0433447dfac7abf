package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cuda.LaunchShape;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.Dequantizer;
import dev.gatun.quant.FloatType;
import dev.gatun.text.Sampler;
import dev.gatun.text.SamplerSettings;
import dev.gatun.text.TokenWindow;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class TokensTest extends OnKernels {
    TokensTest() {
        super("tokens");
    }

    @Test
    void aTokensRowIsWidenedAndUnknownTokensAreZeros() {
        forCases(sample -> {
            FloatType type = sample.oneOf("type", FloatType.values());
            int rows = sample.integer("rows", 1, 100);
            int columns = sample.flag("vectors")
                    ? sample.integer("columns", 8, 1, 400)
                    : sample.integer("columns", 1, 1, 3000);
            DenseMatrix table = sample.dense(type, rows, columns);
            int[] ids = new int[sample.integer("tokens", 1, 9)];
            Arrays.setAll(ids, t -> sample.below(rows));
            boolean unknown = sample.flag("unknown");
            if (unknown) {
                ids[sample.below(ids.length)] = sample.oneOf("id", -1, rows, Integer.MAX_VALUE, Integer.MIN_VALUE);
            }
            Region y = gpu.outputFloats((long) ids.length * columns);
            Region error = gpu.zeros(1);
            gpu.run(
                    "gatun_embed",
                    block(sample, ids.length),
                    gpu.input(table.values()),
                    FloatTypes.code(type),
                    rows,
                    columns,
                    gpu.input(ids),
                    y,
                    error);
            float[] weights = Dequantizer.toFloats(table);
            int[] known = Arrays.stream(ids).filter(id -> id >= 0 && id < rows).toArray();
            float[] library = known.length == 0 ? new float[0] : oracles.embedded(table, known);
            int read = 0;
            for (int t = 0; t < ids.length; t++) {
                float[] row = Arrays.copyOfRange(y.floats(), t * columns, (t + 1) * columns);
                if (ids[t] < 0 || ids[t] >= rows) {
                    assertThat(row).containsOnly(0);
                    continue;
                }
                assertThat(row)
                        .containsExactly(Arrays.copyOfRange(weights, ids[t] * columns, (ids[t] + 1) * columns))
                        .as("the CPU library's row")
                        .containsExactly(Arrays.copyOfRange(library, read * columns, (read + 1) * columns));
                read++;
            }
            assertThat(error.ints()).containsExactly(unknown ? ERROR_ID : 0);
        });
    }

    @Test
    void theNormDividesByTheRootOfTheMeanSquare() {
        forCases(sample -> {
            int tokens = sample.integer("tokens", 1, 9);
            int columns = sample.integer("columns", 1, 1, 5000);
            float[] x = sample.rows(tokens, columns);
            float[] weight = sample.norm(columns);
            boolean inPlace = sample.flag("in place");
            Region y = inPlace ? gpu.output(x) : gpu.outputFloats(x.length);
            gpu.run(
                    "gatun_rms_norm",
                    block(sample, tokens),
                    inPlace ? y : gpu.input(x),
                    gpu.input(weight),
                    1e-5f,
                    columns,
                    y);
            oracles.normed(weight, 1e-5f, Expected.input(columns, x)).requireNear(y.floats(), 1e-6);
        });
    }

    private static final long PATIENCE = Duration.ofSeconds(10).toNanos();

    @Test
    void whatTheHostHandedOverIsAddedToEachValueOnce() {
        forCases(sample -> {
            Handed handed = new Handed(sample);
            long number = sample.integer("number", 0, 1000);
            long later = number + sample.integer("later", 0, 3);
            handed.run(gpu.input(longs(later)), number, PATIENCE);
            assertThat(handed.sums.floats()).containsExactly(handed.expected());
            assertThat(handed.error.ints()).containsExactly(0);
        });
    }

    @Test
    void nothingIsAddedWhereTheHostHasNotEndedInTime() {
        forCases(sample -> {
            Handed handed = new Handed(sample);
            long number = sample.integer("number", 1, 1000);
            handed.run(
                    gpu.input(longs(number - 1)), number, Duration.ofMillis(2).toNanos());
            assertThat(handed.sums.floats()).containsExactly(handed.x);
            assertThat(handed.error.ints()).containsExactly(ERROR_HOST);
        });
    }

    private static MemorySegment longs(long value) {
        return MemorySegment.ofArray(new long[] {value});
    }

    /** Values for {@code gatun_add_handed} that are all there. */
    private final class Handed {
        private final float[] x;
        private final float[] y;
        private final Region sums;
        private final Region error = gpu.zeros(1);

        Handed(Sample sample) {
            int values = sample.integer("values", 4, 1, 3000);
            x = sample.floats(values, 1);
            y = sample.floats(values, 10);
            sums = gpu.output(x);
        }

        void run(Region word, long number, long patience) {
            LaunchShape shape = LaunchShape.of(Math.ceilDiv(x.length, 1024), 256);
            gpu.run("gatun_add_handed", shape, word, number, patience, gpu.input(y), sums, x.length, error);
        }

        float[] expected() {
            float[] all = x.clone();
            for (int i = 0; i < all.length; i++) {
                all[i] += y[i];
            }
            return all;
        }
    }

    @Test
    void theLargestLogitsPlaceIsTheLowestOfEquals() {
        forCases(sample -> {
            int columns = sample.integer("columns", 1, 1, 40000);
            int tokens = sample.integer("tokens", 1, 4);
            // Few values: many are equal.
            float[] logits = sample.floats(tokens * columns, sample.oneOf("deviation", 1, 1000));
            for (int i = 0; i < logits.length; i++) {
                logits[i] = sample.below(50) == 0 ? Float.NEGATIVE_INFINITY : Math.round(logits[i]);
            }
            if (sample.flag("none finite")) {
                Arrays.fill(logits, 0, columns, Float.NEGATIVE_INFINITY);
            }
            boolean nan = sample.flag("nan");
            if (nan) {
                logits[sample.below(logits.length)] = Float.NaN;
            }
            Region ids = gpu.outputInts(tokens);
            Region error = gpu.zeros(1);
            gpu.run("gatun_argmax", block(sample, tokens), gpu.input(logits), columns, ids, error);
            assertThat(error.ints()).containsExactly(nan ? ERROR_NAN : 0);
            for (int t = 0; t < tokens; t++) {
                int id = ids.ints()[t];
                assertThat(id).isBetween(0, columns - 1);
                float[] row = Arrays.copyOfRange(logits, t * columns, (t + 1) * columns);
                if (!nan && row[id] > Float.NEGATIVE_INFINITY) {
                    assertThat(new Sampler(SamplerSettings.greedy()).next(row, new TokenWindow(0)))
                            .as("what is chosen where the CPU has computed the logits")
                            .isEqualTo(id);
                }
                assertThat(id == best(row) || Float.isNaN(row[id])).isTrue();
                assertThat(Float.isNaN(row[id]) && best(row) >= 0 && row[best(row)] > Float.NEGATIVE_INFINITY)
                        .isFalse();
            }
        });
    }

    /** -1 where none is a number. */
    private static int best(float[] values) {
        int best = -1;
        for (int i = 0; i < values.length; i++) {
            if (!Float.isNaN(values[i]) && (best < 0 || values[i] > values[best])) {
                best = i;
            }
        }
        return best;
    }

    private static LaunchShape block(Sample sample, int blocks) {
        return LaunchShape.of(blocks, 32 * sample.integer("warps", 1, 1, 32));
    }
}
